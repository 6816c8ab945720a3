// What reports draw: bars side by side, and columns over hours or days. Each leads to the lines it counts.

import { el, svg } from "./dom.js";
import { _, figure } from "./texts.js";

const MOST_BARS = 60;
const BAR = 24; // the height of a bar's row
const TALL = 180; // of columns, with their words below
const FLOOR = 150;
const ROOM_PX = 100; // for a label below a column
export const STRIKING = 2; // times the usual

const nothing = () => el("p", { class: "quiet" }, _("There is nothing to draw: no sale in this time."));
const leading = (way, part) => (way ? svg("a", { href: way, tabindex: -1 }, part) : part); // the table's links are for the keyboard

/** One bar a row {words, value, striking, way}, the largest as long as there is room; a line shows the usual. */
export function bars(rows, usual, title, digits) {
  const shown = rows.filter(({ value }) => value !== null).slice(0, MOST_BARS);
  if (!shown.length) return nothing();
  const most = Math.max(usual ?? 0, ...shown.map(({ value }) => value), 0.1);
  const long = (value) => (62 * value) / most;
  const parts = shown.flatMap(({ words, value, striking, way }, place) => {
    const y = place * BAR;
    return [svg("text", { class: "b-key", x: "24%", y: y + 16, "text-anchor": "end" }, words.slice(0, 24)),
      leading(way, svg("rect", { class: striking ? "b-bar b-much" : "b-bar", x: "26%", y: y + 4, width: `${long(value)}%`, height: 15 })),
      svg("text", { class: "b-figure", x: `${26.8 + long(value)}%`, y: y + 16 }, figure(value, digits))];
  });
  if (usual !== null) parts.push(svg("line", { class: "b-usual", x1: `${26 + long(usual)}%`, x2: `${26 + long(usual)}%`, y1: 0, y2: shown.length * BAR }));
  return drawn(title, shown.length * BAR, parts, usual === null ? "" : _("Dashed: the usual (median)"));
}

/** One column for each of `rows` {words, value, usual, striking, way}, all the time in order; a mark across each shows the usual. */
export function columns(rows, title, digits) {
  if (!rows.some(({ value, usual }) => value || usual)) return el("p", { class: "quiet" }, _("Nothing of this kind in this time."));
  const highest = Math.max(...rows.map(({ value, usual }) => Math.max(value ?? 0, usual ?? 0)), 0.1);
  const most = digits ? highest : 2 * Math.ceil(highest / 2); // so that half of it is whole, too
  const margin = innerWidth < 700 ? 12 : 5;
  const step = (99 - margin) / rows.length;
  const left = (place) => margin + place * step;
  const high = (value) => FLOOR - (value / most) * (FLOOR - 20);
  const every = Math.ceil(rows.length / Math.max(2, Math.floor(Math.min(innerWidth, 1300) / ROOM_PX)));
  const parts = [0.5, 1].flatMap((share) => [
    svg("line", { class: "x-tick", x1: `${margin}%`, x2: "99%", y1: high(most * share), y2: high(most * share) }),
    svg("text", { class: "b-axis", x: `${margin - 0.8}%`, y: high(most * share) + 4, "text-anchor": "end" }, figure(most * share, digits)),
  ]);
  for (const [place, { words, value, usual, striking, way }] of rows.entries()) {
    const tip = svg("title", null, [`${words}: ${value === null ? "–" : figure(value, digits)}`, usual === null ? "" : _("usual {count}", { count: figure(usual, 1) })].filter(Boolean).join(", "));
    const tall = value ? Math.max(2, FLOOR - high(value)) : 0;
    parts.push(leading(value ? way : "", svg("rect", { class: striking ? "b-bar b-much" : "b-bar", x: `${left(place) + step * 0.14}%`, width: `${step * 0.72}%`, y: FLOOR - tall, height: tall }, tip)));
    if (usual !== null) parts.push(svg("line", { class: "b-middle", x1: `${left(place)}%`, x2: `${left(place) + step}%`, y1: high(usual), y2: high(usual) }));
    if (place % every === 0) parts.push(svg("text", { class: "b-axis", x: `${left(place) + step / 2}%`, y: FLOOR + 18, "text-anchor": "middle" }, words));
  }
  parts.push(svg("line", { class: "x-tick strong", x1: `${margin}%`, x2: "99%", y1: FLOOR + 0.5, y2: FLOOR + 0.5 }));
  return drawn(title, TALL, parts, rows.some(({ usual }) => usual !== null) ? _("Across the columns: the usual (median)") : "");
}

function drawn(title, height, parts, legend) {
  return el("figure", null, el("figcaption", { class: "small quiet" }, title, legend ? ` · ${legend}` : ""), svg("svg", { role: "img", "aria-label": title, class: "barchart", height, width: "100%" }, parts));
}
