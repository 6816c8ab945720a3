// What is no longer there, because its days are over.

import { el, icon, show } from "./dom.js";
import { facts } from "./page.js";
import { _ } from "./texts.js";
import { dateWords } from "./time.js";

const WORDS = {
  lines: () => _("Tickets from before {day} are no longer kept."),
  journals: () => _("Journals from before {day} are no longer kept."),
};

/** That `what`, "lines" or "journals", of the instant `at` was erased, in words; "" if it was not. */
export function erasedWords(what, at) {
  const since = facts.kept?.[what] ?? null;
  return since !== null && at < since ? WORDS[what]().replace("{day}", dateWords(since)) : "";
}

/** A note behind `element` that says so, for whatever instant it is told. */
export class ErasedNote {
  #words = el("span");
  #note = el("p", { class: "small quiet readnote", role: "status" }, icon("info"), this.#words);
  #what;

  constructor(element, what) {
    this.#what = what;
    this.#tell("");
    element.after(this.#note);
  }

  /** What is looked at begins at `at`; NaN: it has no beginning. */
  begins(at) {
    this.#tell(erasedWords(this.#what, at));
  }

  #tell(words) {
    this.#words.textContent = words;
    show(this.#note, words !== "");
  }
}
