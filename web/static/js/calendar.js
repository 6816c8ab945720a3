// The month: under each day a line says whether all, a part or nothing of it was recorded.

import { el } from "./dom.js";
import { facts } from "./page.js";
import { dayEnd, dayOf, dayStart, monthName, now } from "./time.js";

const WHOLE = 0.97;

/** Draws into `table`; `title` is told the month's name. `choose(day)` is called with 2026-11-20. */
export class Calendar {
  #table;
  #title;
  #recordings;
  #choose;
  #year = 0;
  #month = 0;
  #day = "";
  #shares = new Map();

  constructor(table, title, recordings, choose) {
    this.#table = table;
    this.#title = title;
    this.#recordings = recordings;
    this.#choose = choose;
  }

  /** The day now replayed. */
  setDay(day) {
    if (day === this.#day) return;
    this.#day = day;
    const [year, month] = day.split("-").map(Number);
    if (year !== this.#year || month !== this.#month) this.#show(year, month);
    else this.#draw();
  }

  /** Another month: -1 or 1. */
  turn(step) {
    const moved = new Date(Date.UTC(this.#year, this.#month - 1 + step, 1));
    this.#show(moved.getUTCFullYear(), moved.getUTCMonth() + 1);
  }

  async #show(year, month) {
    this.#year = year;
    this.#month = month;
    this.#title.textContent = monthName(year, month);
    this.#shares = new Map();
    this.#draw();
    const first = name(year, month, 1);
    const last = name(year, month, new Date(Date.UTC(year, month, 0)).getUTCDate());
    if (dayStart(first) > now()) return;
    try {
      const { spans } = await this.#recordings.between(dayStart(first), Math.min(dayEnd(last), now()));
      if (year === this.#year && month === this.#month) this.#learn(spans);
    } catch {
      // the days stay without their lines: they can be chosen all the same
    }
  }

  #learn(spans) {
    for (let n = 1; n <= 31; n += 1) {
      const day = name(this.#year, this.#month, n);
      const [start, stop] = [dayStart(day), Math.min(dayEnd(day), now())];
      const seen = spans.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(to, stop) - Math.max(from, start)), 0);
      this.#shares.set(day, stop > start ? seen / (stop - start) : 0);
    }
    this.#draw();
  }

  #draw() {
    const firstWeekday = (new Date(Date.UTC(this.#year, this.#month - 1, 1)).getUTCDay() + 6) % 7; // Monday is 0
    const weeks = [];
    for (let n = 1 - firstWeekday; weeks.length < 6 && n <= 31; n += 7) {
      const cells = Array.from({ length: 7 }, (_unused, place) => el("td", null, this.#cell(n + place)));
      weeks.push(el("tr", null, cells));
    }
    this.#table.replaceChildren(el("thead", null, el("tr", null, weekdays())), el("tbody", null, weeks));
  }

  #cell(n) {
    const moved = new Date(Date.UTC(this.#year, this.#month - 1, n));
    const day = name(moved.getUTCFullYear(), moved.getUTCMonth() + 1, moved.getUTCDate());
    const out = moved.getUTCMonth() + 1 !== this.#month || day > dayOf(now());
    const share = this.#shares.get(day);
    const kind = out ? "out" : day === this.#day ? "day" : share === undefined || share === 0 ? "none" : share < WHOLE ? "part" : "";
    return el("button", { type: "button", class: kind || null, disabled: out, "aria-current": day === this.#day ? "date" : null, onclick: () => this.#choose(day) }, moved.getUTCDate());
  }
}

const name = (year, month, day) => `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;

function weekdays() {
  const words = new Intl.DateTimeFormat(facts.language, { weekday: "short", timeZone: "UTC" });
  return Array.from({ length: 7 }, (_unused, n) => el("th", null, words.format(Date.UTC(2024, 0, 1 + n)).slice(0, 2)));
}
