// The table of contacts, of a contact box or of a camera: what each is called, how it rests, whom it alarms, how it is now.

import { el, icon } from "./dom.js";
import { facts } from "./page.js";
import { _ } from "./texts.js";

/** `tokens`: each is known by a word of the camera's own instead of its place. `changed` is called at every change. */
export class ContactTable {
  #tokens;
  #changed;
  #rows = [];
  #body = el("tbody");
  #element;

  constructor({ tokens = false, changed = () => {} } = {}) {
    this.#tokens = tokens;
    this.#changed = changed;
    const heads = [tokens ? _("Input") : _("No."), _("Used"), _("Now"), _("Name"), _("At rest"), _("Alarms on")];
    this.#element = el("div", { class: "contactbox" }, el("table", { class: "tbl contacts" },
      el("thead", null, el("tr", null, heads.map((words) => el("th", { scope: "col" }, words)))), this.#body));
  }

  get element() {
    return this.#element;
  }

  get count() {
    return this.#rows.length;
  }

  /** Show these contacts. */
  set(contacts) {
    this.#rows = contacts.map((contact, place) => new Row(contact, place, this.#tokens, this.#changed));
    this.#body.replaceChildren(...this.#rows.map(({ element }) => element));
  }

  /** The contacts as they are written, in the API's shape. */
  read() {
    return this.#rows.map((row) => row.read());
  }

  /** How the inputs are now: a list by place, or by `token`. Inputs that a camera tells of and nobody set up get a row. */
  tell(inputs) {
    if (this.#tokens) {
      const known = new Set(this.#rows.map((row) => row.read().token));
      for (const { token } of inputs.filter((one) => !known.has(one.token))) this.add({ token, name: "", normally: "open", cameras: [], enabled: false });
    }
    this.#rows.forEach((row, place) => row.tell(this.#tokens ? inputs.find(({ token }) => token === row.read().token) : inputs[place]));
  }

  add(contact) {
    const row = new Row(contact, this.#rows.length, this.#tokens, this.#changed);
    this.#rows.push(row);
    this.#body.append(row.element);
  }

  /** The control that holds this value of this contact. */
  field(place, key) {
    return this.#rows[place]?.field(key) ?? null;
  }
}

class Row {
  #contact;
  #tokens;
  #name;
  #normally;
  #used;
  #boxes;
  #summary = el("summary");
  #now = el("td", { class: "nowrap" });
  #element;

  constructor(contact, place, tokens, changed) {
    this.#contact = contact;
    this.#tokens = tokens;
    const called = tokens ? contact.token : String(place + 1);
    const label = (words) => ({ "aria-label": _("{what}, input {place}", { what: words, place: called }) });
    this.#name = el("input", { class: "in", value: contact.name, maxlength: 60, autocomplete: "off", oninput: changed, ...label(_("Name")) });
    this.#normally = el("select", { class: "in", onchange: changed, ...label(_("At rest")) },
      [["open", _("open")], ["closed", _("closed")]].map(([value, words]) => el("option", { value, selected: value === contact.normally }, words)));
    this.#used = el("input", { type: "checkbox", checked: contact.enabled, onchange: changed, ...label(_("Used")) });
    this.#boxes = facts.cameras.map((camera) => el("input", { type: "checkbox", value: camera.id, checked: contact.cameras.includes(camera.id), onchange: () => { this.#sum(); changed(); } }));
    const lines = facts.cameras.map((camera, at) => el("label", { class: "check" }, this.#boxes[at], `${camera.id}, ${camera.name}`));
    this.#sum();
    this.#element = el("tr", null, el("td", { class: "num" }, called), el("td", null, el("label", { class: "check" }, this.#used)), this.#now, el("td", null, this.#name), el("td", null, this.#normally),
      el("td", null, el("details", { class: "camsof" }, this.#summary, el("div", { class: "camboxes" }, lines))));
    this.tell(undefined);
  }

  get element() {
    return this.#element;
  }

  field(key) {
    return { name: this.#name, normally: this.#normally, cameras: this.#summary, enabled: this.#used }[key] ?? null;
  }

  read() {
    return {
      ...(this.#tokens ? { token: this.#contact.token } : {}),
      name: this.#name.value.trim(), normally: this.#normally.value, enabled: this.#used.checked,
      cameras: [...this.#hidden(), ...this.#boxes.filter((box) => box.checked).map((box) => Number(box.value))],
    };
  }

  tell(input) {
    const closed = input?.closed ?? null;
    if (closed === null) this.#now.replaceChildren(el("span", { class: "faint state" }, _("not known")));
    else if (input.away) this.#now.replaceChildren(el("span", { class: "alarm-c state" }, icon("bell"), closed ? _("closed") : _("open")));
    else this.#now.replaceChildren(el("span", { class: "state" }, el("span", { class: "dot" }), closed ? _("closed") : _("open")));
  }

  /** Cameras that this person does not see and that stay as they are. */
  #hidden() {
    return this.#contact.cameras.filter((number) => !facts.cameras.some(({ id }) => id === number));
  }

  #sum() {
    const chosen = facts.cameras.filter((camera, at) => this.#boxes[at].checked).map(({ name }) => name);
    this.#summary.textContent = [...chosen, ...this.#hidden()].join(", ") || (this.#tokens ? _("this camera") : _("no camera"));
  }
}
