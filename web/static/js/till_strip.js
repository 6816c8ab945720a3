// The last lines of a till in a tile of the wall: as many as fit.

import { el } from "./dom.js";
import { beginsTicket, isSpecial, isStruck, shown, specialWord } from "./lines.js";
import { specialCost } from "./ticket.js";

export class TillStrip {
  element = el("div", { class: "strip", hidden: true });
  #lines = [];
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

  line({ line }) {
    this.#lines = beginsTicket(this.#lines, line) ? [line] : [...this.#lines, line];
    this.#draw();
  }

  #draw() {
    this.element.hidden = !this.#lines.length;
    this.element.replaceChildren(...this.#lines.slice(-this.#fits).map((line) => {
      const { text, amount } = shown(line);
      if (!isSpecial(line)) return el("div", null, el("span", null, text), el("span", null, amount));
      return el("div", { class: "void" }, el("span", null, specialWord(line) ? `${specialWord(line)} ` : "", isStruck(line) ? el("s", null, text) : text), el("span", null, specialCost(line)));
    }));
  }
}
