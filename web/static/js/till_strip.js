// The last lines of a till in a tile of the wall: as many as fit.

import { el, icon } from "./dom.js";
import { beginsTicket, isSpecial, isStruck, shown, specialWord, tillWords } from "./lines.js";
import { otherSeller, specialCost } from "./ticket.js";
import { _ } from "./texts.js";
import { silentWords, sinceWords } from "./words.js";

export class TillStrip {
  element = el("div", { class: "strip", hidden: true });
  #lines = [];
  #silent = new Map();
  #fits = 4;

  /** How many lines there is room for. */
  set fits(count) {
    if (count === this.#fits) return;
    this.#fits = count;
    this.#draw();
  }

  screen({ lines }) {
    this.#lines = lines;
    this.#draw();
  }

  silence({ source, since }) {
    if (since) this.#silent.set(source, since);
    else this.#silent.delete(source);
    this.#draw();
  }

  line({ line }) {
    this.#lines = beginsTicket(this.#lines, line) ? [line] : [...this.#lines, line];
    this.#draw();
  }

  #draw() {
    this.element.hidden = !this.#lines.length && !this.#silent.size;
    const silences = [...this.#silent].map(([source, since]) => el("div", { class: "silent" }, el("span", null, icon("warn"), this.#silent.size > 1 ? silentWords(tillWords(source), since) : _("silent since {instant}", { instant: sinceWords(Date.parse(since)) }))));
    const fits = this.#fits - silences.length;
    this.element.replaceChildren(...silences, ...(fits > 0 ? this.#lines.slice(-fits) : []).map((line) => {
      const { text, amount } = shown(line);
      if (!isSpecial(line)) return el("div", null, el("span", null, text, otherSeller(line)), el("span", null, amount));
      return el("div", { class: "void" }, el("span", null, specialWord(line) ? `${specialWord(line)} ` : "", isStruck(line) ? el("s", null, text) : text, otherSeller(line)), el("span", null, specialCost(line)));
    }));
  }
}
