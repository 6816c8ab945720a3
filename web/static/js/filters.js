// What is asked of a list: the fields of its filter bar, the page's address, and the file with the same rows.

import { askJson, query } from "./api.js";
import { el, show } from "./dom.js";
import { ErasedNote } from "./kept.js";
import { byId, facts, may } from "./page.js";
import { _, ngettext } from "./texts.js";
import { dayEnd, dayStart, iso } from "./time.js";

const TYPING_MS = 400;

/** The filter bar `form`. `changed()` is called when something else is asked; `typing`: also while words are typed; `kept`: what is listed, as `kept.js` calls it, may be older than what is there. */
export class FilterBar {
  #form;
  #changed;
  #told = "";
  #erased = null;
  #file = byId("file")?.getAttribute("href") ?? "";

  constructor(form, changed, { typing = true, kept = "" } = {}) {
    this.#form = form;
    this.#changed = changed;
    const asked = new URLSearchParams(location.search);
    if (kept) this.#erased = new ErasedNote(form, kept);
    if (form.elements.camera) fillCameras(form.elements.camera, asked.get("camera"));
    for (const [name, value] of asked) {
      const field = form.elements[name];
      if (field?.type === "checkbox") field.checked = value === "1";
      else if (field) field.value = value;
    }
    this.#tell();
    let waiting = 0;
    form.addEventListener("submit", (event) => { event.preventDefault(); this.#look(true); });
    form.addEventListener("reset", () => setTimeout(() => this.#look(true)));
    form.addEventListener("change", ({ target }) => { if (target.name !== "text") this.#look(true); });
    if (typing) form.elements.text?.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => this.#look(false), TYPING_MS); });
    byId("show-filters").addEventListener("click", ({ currentTarget }) => {
      currentTarget.setAttribute("aria-expanded", byId("filters").classList.toggle("open"));
    });
  }

  /** What is set, by the names of the fields. */
  get values() {
    const given = [...new FormData(this.#form)].map(([name, value]) => [name, value.trim()]);
    return Object.fromEntries(given.filter(([, value]) => value !== ""));
  }

  /** The same as the API takes it: days as instants. */
  get asked() {
    const { from, until, ...rest } = this.values;
    return { ...rest, start: from ? iso(dayStart(from)) : "", stop: until ? iso(dayEnd(until)) : "" };
  }

  #look(always) {
    if (!this.#tell() && !always) return;
    history.replaceState(null, "", `${location.pathname}${query(this.values)}`);
    this.#changed();
  }

  /** Show how much is asked; whether it is something else than before. */
  #tell() {
    const { values } = this;
    const names = Object.keys(values);
    const count = names.filter((name) => name !== "text" || !this.#form.querySelector(".searchbar")).length;
    byId("show-filters").firstElementChild.textContent = count ? ngettext("{count} filter", "{count} filters", count) : _("Filters");
    show(byId("clear"), names.length > 0);
    if (this.#file) byId("file").href = `${this.#file}${query(this.asked)}`;
    this.#erased?.begins(values.from ? dayStart(values.from) : NaN);
    const told = JSON.stringify(values);
    const isNew = told !== this.#told;
    this.#told = told;
    return isNew;
  }
}

/** The cameras this person may see and, for who manages them, those that were removed. */
function fillCameras(list, chosen) {
  list.append(...facts.cameras.map(({ id, name }) => el("option", { value: id }, `${id} · ${name}`)));
  if (!may("cameras")) return;
  const removed = el("optgroup", { label: _("Removed") });
  if (chosen?.startsWith("uid:")) removed.append(el("option", { value: chosen }, _("a camera that was removed")));
  if (removed.children.length) list.append(removed);
  askJson("/cameras?deleted=1").then(({ items }) => {
    const { value } = list;
    removed.replaceChildren(...items.map(({ uid, name }) => el("option", { value: `uid:${uid}` }, name)));
    if (items.length) list.append(removed);
    list.value = value;
  }, () => {});
}
