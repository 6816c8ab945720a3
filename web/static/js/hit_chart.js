// How many lines were found over time: bars by the hour, the day or the month.

import { el, show, svg } from "./dom.js";
import { _, figure, ngettext } from "./texts.js";
import { clock, dayOf, dayStart, fields, monthName, shortClock, shortDay, wallInstant } from "./time.js";

const HEIGHT = 64;
const FLOOR = 44;
const TALLEST = 40;
const MOST_LABELS = 8;
const LABEL_WIDTH = 84;
const STEP_MS = { hour: 3600000, day: 86400000, month: 31 * 86400000 };

/** Draw what `GET /lines/hits` answers into `box`; `choose(from, to)` is called with the period of a bar, as a query takes it. */
export function drawChart(box, answer, choose) {
  const items = answer?.items ?? [];
  show(box, items.length > 0);
  box.replaceChildren();
  if (!items.length) return;
  const { unit } = answer;
  const from = Math.min(Date.parse(answer.start), Date.parse(items[0].at));
  const to = Math.max(Date.parse(answer.stop), Date.parse(items[items.length - 1].at) + STEP_MS[unit]);
  const most = Math.max(...items.map(({ lines }) => lines));
  const part = (instant) => `${(((instant - from) / (to - from)) * 100).toFixed(3)}%`;
  const width = `${Math.max(0.15, (STEP_MS[unit] / (to - from)) * 88).toFixed(3)}%`;
  const chart = svg("svg", { class: "tl-svg", height: HEIGHT, role: "img", "aria-label": wordsOf(answer) });
  const room = Math.min(0.5, LABEL_WIDTH / box.clientWidth);
  for (const [instant, words] of labels(from, to, unit, room)) {
    chart.append(svg("line", { class: "x-tick", x1: part(instant), x2: part(instant), y1: 2, y2: 48 }));
    const text = svg("text", { class: "x-hour", x: part(instant), y: 60, dx: 4 });
    text.textContent = words;
    chart.append(text);
  }
  for (const { at, lines } of items) {
    const tall = Math.max(2, (lines / most) * TALLEST);
    const instant = Date.parse(at);
    const bar = svg("rect", { class: "m-rec bar", x: part(instant), width, y: FLOOR - tall, height: tall, onclick: () => choose(...period(instant, unit)) });
    const hint = svg("title");
    hint.textContent = `${barWords(instant, unit)}: ${ngettext("{count} line", "{count} lines", lines)}`;
    bar.append(hint);
    chart.append(bar);
  }
  chart.append(svg("line", { class: "x-tick strong", x1: 0, x2: "100%", y1: FLOOR + 0.5, y2: FLOOR + 0.5 }));
  box.append(chart, el("span", { class: "vh" }, wordsOf(answer)));
}

/** How many there are: "38 lines", "more than 10,000 lines". */
export function countWords({ lines, all }) {
  return all ? ngettext("{count} line", "{count} lines", lines) : _("More than {count} lines", { count: figure(lines) });
}

function wordsOf(answer) {
  const top = answer.items.reduce((a, b) => (b.lines > a.lines ? b : a));
  return _("{lines} over time, most at {when}", { lines: countWords(answer), when: barWords(Date.parse(top.at), answer.unit) });
}

function barWords(instant, unit) {
  if (unit === "hour") return `${shortDay(instant)} ${shortClock(instant)}`;
  if (unit === "day") return shortDay(instant);
  const { year, month } = fields(instant);
  return monthName(Number(year), Number(month));
}

/** Instants that get a word, each with this part of the time for its `room`: full hours of a day or two, midnights of some days, or first days of months. */
function* labels(from, to, unit, room) {
  const step = unit === "month" || to - from > 60 * STEP_MS.day ? "month" : to - from > 2 * STEP_MS.day ? "day" : "hour";
  const count = (to - from) / STEP_MS[step];
  const every = Math.max(1, Math.ceil(count * Math.max(room, 1 / MOST_LABELS)));
  const [year, month, day, hour] = ["year", "month", "day", "hour"].map((name) => Number(fields(from)[name]));
  const places = {
    month: (far) => wallInstant(year, month + far, 1, 0, 0, 0),
    day: (far) => wallInstant(year, month, day + far, 0, 0, 0),
    hour: (far) => wallInstant(year, month, day, hour + far, 0, 0),
  };
  const words = { month: (at) => barWords(at, "month"), day: shortDay, hour: (at) => (shortClock(at) === "00:00" ? shortDay(at) : shortClock(at)) };
  for (let far = 0; far <= count + 1; far += every) {
    const instant = places[step](far);
    if (instant >= from && instant <= to - (to - from) * room) yield [instant, words[step](instant)];
  }
}

function period(instant, unit) {
  if (unit === "day") return [dayOf(instant), dayOf(instant)];
  if (unit === "hour") {
    const end = instant + STEP_MS.hour;
    return [instant, end].map((each) => `${dayOf(each)}T${clock(each).slice(0, 5)}`);
  }
  const { year, month } = fields(instant);
  return [dayOf(instant), dayOf(dayStart(dayOf(wallInstant(Number(year), Number(month) + 1, 1, 0, 0, 0))) - 1)];
}
