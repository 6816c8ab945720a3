// What rows of users and of profiles have in common: a summary that opens into a form, faults, and one question.

import { Refusal } from "./api.js";
import { el, icon } from "./dom.js";
import { tellFault } from "./faults.js";
import { byId } from "./page.js";
import { _ } from "./texts.js";
import { toast } from "./toast.js";

let made = 0;

/** A field with its label and, below it, a hint. */
export function field(name, label, input, hint = "") {
  input.id = `p-${name}-${++made}`;
  const words = hint ? el("span", { class: "hint", id: `h-${input.id}` }, hint) : null;
  if (words) input.setAttribute("aria-describedby", words.id);
  return el("div", { class: "field", "data-field": name }, el("label", { for: input.id }, label), input, words);
}

/** Ask before what cannot be undone; true if it shall be done. */
export async function sure(question, meaning, stay, go) {
  const dialog = byId("sure");
  dialog.querySelector("h2").textContent = question;
  dialog.querySelector("p").textContent = meaning;
  const [keep, doIt] = dialog.querySelectorAll("button");
  keep.textContent = stay;
  doIt.textContent = go;
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  return dialog.returnValue === "go";
}

/** A row: `summary` is always seen, `form` when it is open. */
export class Row {
  inputs = {};
  summary = el("summary");
  form = el("form", { class: "peopleform", novalidate: true });
  element = el("details", { class: "peoplerow" }, this.summary, this.form);
  #told = el("div", { class: "told", role: "status" });

  get isOpen() {
    return this.element.open;
  }

  /** Open it, with notes of the row before; the focus goes to its summary, or to the first field of a new one. */
  open(notes = []) {
    this.element.open = true;
    this.#told.replaceChildren(...notes);
    (this.first ?? this.summary).focus();
  }

  /** What was told to the person in this row. */
  notes() {
    return [...this.#told.children];
  }

  get told() {
    return this.#told;
  }

  tell(...children) {
    this.#told.replaceChildren(el("div", { class: "note ok" }, icon("ok"), el("div", null, children)));
  }

  /** A button that does `work`, if `asked` says so. */
  button(words, image, work, kind = "btn sm", asked = () => true) {
    const button = el("button", { class: kind, type: "button" }, icon(image), words);
    button.addEventListener("click", async () => { if (await asked()) await this.tried(button, work); });
    return button;
  }

  /** Do `work` while `button` shows it; what is refused is told at its field, else in a toast. */
  async tried(button, work) {
    for (const input of Object.values(this.inputs)) if (input.closest(".field")) tellFault(input, "");
    button.classList.add("busy");
    button.disabled = true;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const input = this.inputs[error.field];
      if (input?.closest(".field")) {
        tellFault(input, error.message);
        input.focus();
      } else {
        toast(error.message);
      }
    } finally {
      button.classList.remove("busy");
      button.disabled = false;
    }
  }

  /** The last line of the form: `others`, and the button that saves, which Enter does too. */
  foot(words, save, ...others) {
    const button = el("button", { class: "btn primary" }, words);
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.tried(button, save); });
    return el("div", { class: "row wrap foot" }, others, el("span", { class: "grow" }), button);
  }

  cancel() {
    return el("button", { class: "btn quietb", type: "button", onclick: () => this.element.remove() }, icon("x"), _("Do not add it"));
  }
}
