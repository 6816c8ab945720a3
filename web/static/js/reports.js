// Reports: cashiers, tills, days or hours side by side, as a table and drawn.

import { askJson, query } from "./api.js";
import { el, icon, svg } from "./dom.js";
import { byId, may, remember, remembered } from "./page.js";
import { _, figure } from "./texts.js";
import { dayEnd, dayOf, dayStart, iso, now } from "./time.js";

const DAY_MS = 86400000;
const KINDS = { voids: () => _("Cancelled"), returns: () => _("Returned"), discounts: () => _("Discounts"), gifts: () => _("Gifts and losses"), no_sales: () => _("Drawer without a sale") };
// how the search box asks for the lines of a figure: several types mean any
const SOUGHT = { voids: "special:ANNULE", returns: "special:RETOUR", discounts: "type:22 type:52 type:15 type:127", gifts: "special:OFFERT special:PERTE", no_sales: "type:D type:40 type:236" };
const MOST_BARS = 60;
const STRIKING = 2; // times the usual
const form = byId("asked");
let turn = 0;

form.elements.kind.append(...Object.entries(KINDS).map(([name, words]) => el("option", { value: name }, words())));
form.elements.until.value = dayOf(now());
form.elements.from.value = dayOf(now() - 6 * DAY_MS);
form.elements.by.value = remembered("report-by", "seller");

const wanted = () => ({ by: form.elements.by.value, start: iso(dayStart(form.elements.from.value)), stop: iso(dayEnd(form.elements.until.value)) });
const keyWords = (by, key) => (by === "hour" ? `${key}:00` : key || _("not named"));

/** The log's address for a figure of a row; "" where nobody may read it, or no name can be looked for. */
function lines(by, key, sought = "") {
  if (!may("lines") || key === "") return "";
  const days = by === "day" ? `date:${key}` : `from:${form.elements.from.value} to:${form.elements.until.value}`;
  const named = { seller: `seller:"${key.replaceAll('"', "")}"`, source: `till:"${key.replaceAll('"', "")}"`, hour: `time:${key}:00-${key === "23" ? "24:00" : `${String(Number(key) + 1).padStart(2, "0")}:00`}`, day: "" };
  return `/log${query({ q: [named[by], days, sought].filter(Boolean).join(" ") })}`;
}

function cell(words, way, kind = "r mono") {
  return el("td", { class: kind }, way && words !== "0" ? el("a", { href: way }, words) : words);
}

function table({ by, items, usual }) {
  const heads = [["", ""], [_("Sales"), "r"], [_("Total"), "r"], ...Object.values(KINDS).flatMap((words) => [[words(), "r"], [_("to 100 sales"), "r"]])];
  const rows = items.map((item) => el("tr", null, cell(keyWords(by, item.key), "", "mono"), cell(figure(item.sales), lines(by, item.key, "type:E type:5")), cell(item.total === null ? "" : figure(Number(item.total), 2)),
    Object.keys(KINDS).flatMap((kind) => {
      const { count, per_hundred: ratio, times_usual: times } = item[kind];
      const striking = times !== null && times >= STRIKING && count > 2;
      return [cell(figure(count), lines(by, item.key, SOUGHT[kind])), el("td", { class: `r mono${striking ? " bad-c" : ""}`, title: striking ? _("{times} times the usual", { times: figure(times) }) : null }, ratio === null ? "" : figure(ratio, 1), striking ? ` ×${figure(times)}` : "")];
    })));
  const foot = el("tr", { class: "usual" }, el("td", null, _("Usual (median)")), el("td"), el("td"), Object.keys(KINDS).flatMap((kind) => [el("td"), el("td", { class: "r mono" }, usual[kind] === null ? "" : figure(usual[kind], 1))]));
  return el("table", { class: "tbl report" }, el("thead", null, el("tr", null, heads.map(([words, kind]) => el("th", { class: kind, scope: "col" }, words)))), el("tbody", null, rows), el("tfoot", null, foot));
}

/** One bar a row, as long as its ratio to a hundred sales; a line shows the usual. */
function chart({ by, items, usual }) {
  const kind = form.elements.kind.value;
  const shown = items.filter((item) => item[kind].per_hundred !== null).slice(0, MOST_BARS);
  if (!by || !shown.length) return el("p", { class: "quiet" }, _("There is nothing to draw: no sale in this time."));
  const most = Math.max(usual[kind] ?? 0, ...shown.map((item) => item[kind].per_hundred), 0.1);
  const height = 24;
  const long = (ratio) => `${(62 * ratio) / most}%`;
  const parts = shown.flatMap((item, place) => {
    const { per_hundred: ratio, times_usual: times } = item[kind];
    const y = place * height;
    return [svg("text", { class: "b-key", x: "24%", y: y + 16, "text-anchor": "end" }, keyWords(by, item.key).slice(0, 24)),
      svg("rect", { class: times !== null && times >= STRIKING ? "b-bar b-much" : "b-bar", x: "26%", y: y + 4, width: long(ratio), height: 15 }),
      svg("text", { class: "b-figure", x: `${26.8 + (62 * ratio) / most}%`, y: y + 16 }, figure(ratio, 1))];
  });
  if (usual[kind] !== null) parts.push(svg("line", { class: "b-usual", x1: `${26 + (62 * usual[kind]) / most}%`, x2: `${26 + (62 * usual[kind]) / most}%`, y1: 0, y2: shown.length * height }));
  const title = _("{what} to a hundred sales", { what: KINDS[kind]() });
  return el("figure", null, el("figcaption", { class: "small quiet" }, title), svg("svg", { role: "img", "aria-label": title, class: "barchart", height: shown.length * height, width: "100%" }, parts));
}

async function load() {
  const mine = ++turn;
  if (!form.elements.from.value || !form.elements.until.value) return;
  remember("report-by", form.elements.by.value);
  byId("csv").href = `/api/v1/reports.csv${query(wanted())}`;
  try {
    const found = await askJson(`/reports${query(wanted())}`);
    if (mine !== turn) return;
    byId("chart").replaceChildren(chart(found));
    byId("rows").replaceChildren(found.items.length ? table(found) : el("div", { class: "empty" }, icon("ticket", "i big"), el("h2", null, _("No ticket in this time"))));
  } catch (error) {
    if (mine !== turn) return;
    byId("chart").replaceChildren();
    byId("rows").replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, el("b", null, _("The report could not be made.")), " ", error.message)));
  }
}

form.addEventListener("change", load);
form.addEventListener("submit", (event) => event.preventDefault());
load();
