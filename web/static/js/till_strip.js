// The last lines of the tills of a tile of the wall: as many as fit, shared by the tills that have a ticket.

import { el, icon } from "./dom.js";
import { beginsTicket, instantOfLine, isSpecial, isStale, isStruck, shown, specialWord, tillWords } from "./lines.js";
import { _ } from "./texts.js";
import { articleOf, otherSeller, specialCost } from "./ticket.js";
import { now } from "./time.js";
import { silentWords, sinceWords } from "./words.js";

const MOST = 12; // lines of a till that are kept
const OFTEN_MS = 1000;
const NOTHING = { lines: [], tally: null };

export class TillStrip {
  element = el("div", { class: "strip", hidden: true });
  #tills = new Map(); // source -> {lines, tally}, lines oldest first
  #silent = new Map(); // source -> since when it is silent though it should speak
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

  /** The tills of the camera as they are now. Which are silent is told anew. */
  set sources(sources) {
    for (const source of this.#tills.keys()) if (!sources.includes(source)) this.#tills.delete(source);
    this.#silent.clear();
    this.#drawSoon();
  }

  /** What tills are called is another. */
  settled() {
    this.#drawSoon();
  }

  screen({ source, lines, tally }) {
    this.#tills.set(source, { lines: lines.slice(-MOST), tally });
    this.#drawSoon();
  }

  line({ line, tally }) {
    const { lines } = this.#tills.get(line.source) ?? NOTHING;
    if (lines.some(({ id }) => id === line.id)) return; // told twice around a new connection
    this.#tills.set(line.source, { lines: beginsTicket(lines, line) ? [line] : [...lines, line].slice(-MOST), tally });
    this.#drawSoon();
  }

  silence({ source, since }) {
    if (since) this.#silent.set(source, since);
    else this.#silent.delete(source);
    this.#drawSoon();
  }

  #clear() {
    for (const [source, { lines }] of this.#tills) {
      if (!isStale(lines, now())) continue;
      this.#tills.set(source, NOTHING);
      this.#drawSoon();
    }
  }

  #drawSoon() {
    this.#waiting ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#waiting = 0;
    const busy = [...this.#tills.values()].filter(({ lines }) => lines.length);
    const silences = [...this.#silent].map(([source, since]) => this.#silence(source, since)).slice(0, this.#fits);
    const fits = this.#fits - silences.length;
    const latest = [...busy].sort((a, b) => instantOfLine(b.lines.at(-1)) - instantOfLine(a.lines.at(-1))).slice(0, fits);
    const each = Math.max(1, Math.floor(fits / Math.max(1, latest.length)));
    const drawn = busy.filter((sale) => latest.includes(sale)).flatMap((sale) => {
      const known = new Map(sale.lines.map((line) => [line.id, line]));
      return sale.lines.slice(-each).map((line, place) => row(line, latest.length > 1 && !place, articleOf(line, sale, known)));
    });
    this.element.hidden = !drawn.length && !silences.length;
    this.element.replaceChildren(...silences, ...drawn);
  }

  #silence(source, since) {
    const words = this.#silent.size > 1 ? silentWords(tillWords(source), since) : _("silent since {instant}", { instant: sinceWords(Date.parse(since)) });
    return el("div", { class: "silent" }, el("span", null, icon("warn"), words));
  }
}

/** A line as an element; `named` says whose it is, `article` is what it takes back. */
function row(line, named, article) {
  const { quantity, text, amount } = shown(line);
  const count = quantity ? `${quantity} ` : "";
  const whose = named ? el("b", null, `${tillWords(line.source)} `) : null;
  if (!isSpecial(line)) return el("div", null, el("span", null, whose, count, text, otherSeller(line)), el("span", null, amount));
  return el("div", { class: "void" }, el("span", null, whose, count, specialWord(line) ? `${specialWord(line)} ` : "", isStruck(line) ? el("s", null, text) : text, otherSeller(line)), el("span", null, specialCost(line, article)));
}
