// The last lines of the tills of a tile of the wall: as many as fit, shared by the tills that have a ticket.

import { el } from "./dom.js";
import { beginsTicket, instantOfLine, isSpecial, isStale, isStruck, shown, specialWord, tillWords } from "./lines.js";
import { specialCost } from "./ticket.js";
import { now } from "./time.js";

const MOST = 12; // lines of a till that are kept
const OFTEN_MS = 1000;

export class TillStrip {
  element = el("div", { class: "strip", hidden: true });
  #tills = new Map(); // source -> lines, oldest first
  #fits = 4;
  #waiting = 0;

  constructor() {
    setInterval(() => this.#clear(), OFTEN_MS);
  }

  /** How many lines there is room for. */
  set fits(count) {
    if (count === this.#fits) return;
    this.#fits = count;
    this.#drawSoon();
  }

  screen({ source, lines }) {
    this.#tills.set(source, lines.slice(-MOST));
    this.#drawSoon();
  }

  line({ line }) {
    const lines = this.#tills.get(line.source) ?? [];
    if (lines.some(({ id }) => id === line.id)) return; // told twice around a new connection
    this.#tills.set(line.source, beginsTicket(lines, line) ? [line] : [...lines, line].slice(-MOST));
    this.#drawSoon();
  }

  #clear() {
    for (const [source, lines] of this.#tills) {
      if (!isStale(lines, now())) continue;
      this.#tills.set(source, []);
      this.#drawSoon();
    }
  }

  #drawSoon() {
    this.#waiting ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#waiting = 0;
    const busy = [...this.#tills.values()].filter((lines) => lines.length);
    const latest = [...busy].sort((a, b) => instantOfLine(b.at(-1)) - instantOfLine(a.at(-1))).slice(0, this.#fits);
    const each = Math.max(1, Math.floor(this.#fits / Math.max(1, latest.length)));
    const drawn = busy.filter((lines) => latest.includes(lines)).flatMap((lines) => lines.slice(-each).map((line, place) => row(line, latest.length > 1 && !place)));
    this.element.hidden = !drawn.length;
    this.element.replaceChildren(...drawn);
  }
}

/** A line as an element; `named` says whose it is. */
function row(line, named) {
  const { text, amount } = shown(line);
  const whose = named ? el("b", null, `${tillWords(line.source)} `) : null;
  if (!isSpecial(line)) return el("div", null, el("span", null, whose, text), el("span", null, amount));
  return el("div", { class: "void" }, el("span", null, whose, specialWord(line) ? `${specialWord(line)} ` : "", isStruck(line) ? el("s", null, text) : text), el("span", null, specialCost(line)));
}
