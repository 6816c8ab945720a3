// At most four lines of a till in the corner of a tile on the wall.

import { el } from "./dom.js";
import { beginsTicket, isSpecial, shown } from "./lines.js";

const LINES = 4;

export class TillStrip {
  element = el("div", { class: "strip", hidden: true });
  #lines = [];

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
    this.element.replaceChildren(...this.#lines.slice(-LINES).map((line) => {
      const { text, amount } = shown(line);
      const words = isSpecial(line) ? [`${line.special} `, el("s", null, text)] : [text];
      return el("div", { class: isSpecial(line) ? "void" : null }, el("span", null, words), el("span", null, amount));
    }));
  }
}
