// A list that is asked for page by page, the newest first, with a button for what is older.

import { askJson, query } from "./api.js";
import { el, icon, show } from "./dom.js";
import { dayOf, shortDay } from "./time.js";

const PAGE = 50;

/**
 * Shows what `path` of the API gives in `box`; `more` is the button.
 * `asked()`: the parameters; `begin()`: {element, body} of an empty list; `row(item)`: the node for an item;
 * `empty()`: what stands there instead of no item; `failed`: words.
 */
export class PagedList {
  #box;
  #more;
  #path;
  #look;
  #cursor = null;
  #turn = 0;
  #body = null;

  constructor(box, more, path, look) {
    this.#box = box;
    this.#more = more;
    this.#path = path;
    this.#look = look;
    more.addEventListener("click", () => this.load(true));
  }

  async load(more = false) {
    const mine = ++this.#turn;
    const { asked, begin, row, empty, failed } = this.#look;
    this.#more.disabled = true;
    try {
      const { items, next } = await askJson(`${this.#path}${query({ ...asked(), limit: PAGE, cursor: more ? this.#cursor : "" })}`);
      if (mine !== this.#turn) return; // something else was asked meanwhile
      this.#cursor = next;
      if (!more) {
        const { element, body } = begin();
        this.#body = body;
        this.#box.replaceChildren(items.length ? element : empty());
      }
      this.#body.append(...items.flatMap(row));
      show(this.#more, Boolean(next));
    } catch (error) {
      if (mine === this.#turn) this.#box.replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, el("b", null, failed), " ", error.message)));
    } finally {
      if (mine === this.#turn) this.#more.disabled = false;
    }
  }
}

/** A line of time with a head for each day: gives `begin` for a list, and makes a `row` of what says {at, node} of an item. */
export function rail(kind, said) {
  let lastDay = "";
  return {
    begin() {
      lastDay = "";
      const list = el("ul", { class: `rail journal ${kind}` });
      return { element: list, body: list };
    },
    row(item) {
      const { at, node } = said(item);
      const day = dayOf(at);
      const head = day === lastDay ? [] : [el("li", { class: "day" }, shortDay(at))];
      lastDay = day;
      return [...head, node];
    },
  };
}

/** `begin` for a table with these heads: words, or [words, class]. */
export const table = (heads) => () => {
  const body = el("tbody");
  const cells = heads.map((head) => [head].flat()).map(([words, kind]) => el("th", { scope: "col", class: kind }, words));
  return { element: el("table", { class: "tbl stacks" }, el("thead", null, el("tr", null, cells)), body), body };
};

/** What stands there when there is nothing. */
export const nothing = (image, words, why = "") => () =>
  el("div", { class: "empty" }, icon(image, "i big"), el("h2", null, words), why ? el("p", null, why) : null);
