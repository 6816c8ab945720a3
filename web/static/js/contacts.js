// Contact boxes: a form for each, with the state of its inputs as it is now.

import { Refusal, ask, askJson } from "./api.js";
import { ContactTable } from "./contact_table.js";
import { el, icon } from "./dom.js";
import { tellFault } from "./faults.js";
import { linkWords, whileSeen } from "./links.js";
import { byId } from "./page.js";
import { labelFields } from "./refusals.js";
import { _ } from "./texts.js";
import { toast } from "./toast.js";

const LOOK_MS = 1000;
const NEW = { name: "", host: "", port: 502, unit: 1, reads: "inputs", first: 0, count: 8, interval_ms: 200, enabled: true };
const NUMBERS = ["port", "unit", "first", "count", "interval_ms"];
const LABELS = {
  name: () => _("Name"),
  host: () => _("Network address"),
  port: () => _("Port"),
  unit: () => _("Unit"),
  reads: () => _("Read as"),
  first: () => _("First input"),
  count: () => _("Inputs"),
  interval_ms: () => _("Asked every (ms)"),
  "contacts.name": () => _("Name"),
  "contacts.cameras": () => _("Alarms on"),
};
const HINTS = {
  host: () => _("As 192.168.10.50, or a name."),
  unit: () => _("1, unless it stands behind a gateway."),
  first: () => _("Counted from 0."),
};
const READS = { inputs: () => _("discrete inputs"), coils: () => _("coils") };
labelFields(LABELS);

const fresh = () => ({ name: "", normally: "open", cameras: [], enabled: true });
const cards = new Map();
let changes = 0; // saved or removed here: what was asked for before is out of date

let fieldsMade = 0;

function field(name, input) {
  input.id = `f-${name}-${++fieldsMade}`;
  const hint = HINTS[name] ? el("span", { class: "hint", id: `h-${input.id}` }, HINTS[name]()) : null;
  if (hint) input.setAttribute("aria-describedby", hint.id);
  return el("div", { class: "field", "data-field": name }, el("label", { for: input.id }, LABELS[name]()), input, hint);
}

/** Below its field; in a toast where there is no room below it. */
function tell(input, words) {
  if (input.closest(".field")) tellFault(input, words);
  else if (words) toast(words);
}

class Card {
  #box;
  #inputs = {};
  #used;
  #table = new ContactTable();
  #headline = el("h2");
  #state = el("span", { class: "state quiet", role: "status" });
  #form;

  constructor(box) {
    this.#box = box;
    for (const name of ["name", "host", ...NUMBERS]) {
      this.#inputs[name] = el("input", { class: NUMBERS.includes(name) || name === "host" ? "in num" : "in", autocomplete: "off", maxlength: name === "name" ? 60 : null, type: NUMBERS.includes(name) ? "number" : "text" });
    }
    this.#inputs.reads = el("select", { class: "in" }, Object.entries(READS).map(([value, words]) => el("option", { value }, words())));
    this.#used = el("input", { type: "checkbox" });
    this.#inputs.count.addEventListener("change", () => this.#resize());
    const remove = el("button", { class: "btn quietb", type: "button", onclick: () => this.#remove() }, icon("trash"), box ? _("Remove") : _("Do not add it"));
    this.#form = el("form", { class: "card contactcard", novalidate: true },
      el("div", { class: "card-head" }, this.#headline, this.#state),
      el("div", { class: "fields" }, ["name", "host", "port", "unit", "reads", "first", "count", "interval_ms"].map((name) => field(name, this.#inputs[name])),
        el("div", { class: "field full" }, el("label", { class: "check" }, this.#used, _("Ask this box")))),
      this.#table.element,
      el("div", { class: "row foot" }, remove, el("span", { class: "grow" }), el("button", { class: "btn primary" }, _("Save"))));
    this.#form.addEventListener("submit", (event) => { event.preventDefault(); this.#save(); });
    this.#fill();
  }

  get element() {
    return this.#form;
  }

  focus() {
    this.#inputs.name.focus();
  }

  /** What the server says of the box now; what somebody is writing stays. */
  now(box) {
    this.#state.replaceChildren(...linkWords(box.state, (does) => _("The box {does}.", { does })));
    this.#table.tell(box.contacts);
  }

  #fill() {
    const box = this.#box ?? NEW;
    for (const [name, input] of Object.entries(this.#inputs)) input.value = box[name];
    this.#used.checked = box.enabled;
    this.#headline.textContent = this.#box ? box.name : _("A new contact box");
    this.#table.set(box.contacts ?? Array.from({ length: box.count }, fresh));
    if (this.#box) this.now(this.#box);
  }

  #resize() {
    const count = Math.min(64, Math.max(1, Number(this.#inputs.count.value) || 1));
    const written = this.#table.read().slice(0, count);
    this.#table.set([...written, ...Array.from({ length: count - written.length }, fresh)]);
    if (this.#box) this.#table.tell(this.#box.contacts);
  }

  async #save() {
    for (const input of Object.values(this.#inputs)) tell(input, "");
    const body = { enabled: this.#used.checked, contacts: this.#table.read() };
    for (const [name, input] of Object.entries(this.#inputs)) body[name] = NUMBERS.includes(name) ? (input.value === "" ? NEW[name] : Number(input.value)) : input.value.trim();
    changes += 1;
    try {
      const id = this.#box?.id;
      this.#box = await askJson(id ? `/contact-boxes/${id}` : "/contact-boxes", { method: id ? "PATCH" : "POST", body });
      cards.set(this.#box.id, this);
      this.#form.querySelector(".foot .quietb").lastChild.textContent = _("Remove");
      this.#fill();
      toast(_("The contact box is saved. It acts at once."));
    } catch (error) {
      this.#refused(error);
    } finally {
      changes += 1;
    }
  }

  #refused(error) {
    const [group, place, key] = (error instanceof Refusal && error.field ? error.field : "").split(".");
    const input = group === "contacts" ? this.#table.field(Number(place), key) : this.#inputs[group];
    if (!input) {
      toast(error.message);
      return;
    }
    tell(input, error.message);
    input.focus();
  }

  async #remove() {
    changes += 1;
    try {
      if (this.#box) await ask(`/contact-boxes/${this.#box.id}`, { method: "DELETE" });
      cards.delete(this.#box?.id);
      this.#form.remove();
      tellEmpty();
    } catch (error) {
      toast(error.message);
    } finally {
      changes += 1;
    }
  }
}

function tellEmpty() {
  const list = byId("list");
  if (list.querySelector("form")) return;
  list.replaceChildren(el("div", { class: "empty" }, icon("plug", "i big"), el("h2", null, _("No contact box yet")), el("p", null, _("Add one, and tell which camera each of its inputs alarms."))));
}

async function look() {
  const list = byId("list");
  const before = changes;
  try {
    const { items } = await askJson("/contact-boxes");
    if (before !== changes) return;
    for (const [id, card] of [...cards].filter(([known]) => !items.some((box) => box.id === known))) {
      card.element.remove(); // somebody else removed it
      cards.delete(id);
    }
    list.querySelector(".waiting, .note")?.remove();
    for (const box of items) {
      if (cards.has(box.id)) {
        cards.get(box.id).now(box);
      } else {
        const card = new Card(box);
        cards.set(box.id, card);
        list.querySelector(".empty")?.remove();
        list.append(card.element);
      }
    }
    tellEmpty();
  } catch (error) {
    if (!list.querySelector("form")) list.replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, el("b", null, _("The contact boxes could not be read.")), " ", error.message)));
  }
}

byId("add").addEventListener("click", () => {
  byId("list").querySelector(".empty")?.remove();
  const card = new Card(null);
  byId("list").prepend(card.element);
  card.focus();
});
whileSeen(LOOK_MS, look);
