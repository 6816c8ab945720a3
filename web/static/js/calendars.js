// Calendars: the hours of each weekday and of special days, written as people write them: "08:00-12:00, 14:00-19:30".

import { Refusal, ask, askJson } from "./api.js";
import { el, icon } from "./dom.js";
import { tellFault } from "./faults.js";
import { byId, facts } from "./page.js";
import { _ } from "./texts.js";
import { toast } from "./toast.js";

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONDAY = Date.UTC(2024, 0, 1);
const dayName = (place) => new Intl.DateTimeFormat(facts.language, { weekday: "long", timeZone: "UTC" }).format(MONDAY + place * 86400000);
const hoursWords = (hours) => hours.map(({ from, to }) => `${from}-${to}`).join(", ");

/** The hours that somebody wrote; throws when they cannot be read. */
function readHours(words) {
  return words.split(",").map((part) => part.trim()).filter(Boolean).map((part) => {
    const found = /^(\d{1,2})[:.h]?(\d{2})?\s*[-–]\s*(\d{1,2})[:.h]?(\d{2})?$/.exec(part);
    if (!found) throw new Error(_("“{words}” cannot be read. Write 08:00-12:00, 14:00-19:30.", { words: part }));
    const time = (hour, minute) => `${hour.padStart(2, "0")}:${minute ?? "00"}`;
    return { from: time(found[1], found[2]), to: time(found[3], found[4]) };
  });
}

/** A field with its label; faults are told below it. */
function field(label, attributes) {
  const input = el("input", { class: "in", autocomplete: "off", ...attributes });
  return { input, element: el("div", { class: "field" }, el("label", null, el("span", { class: "lbl" }, label), input)) };
}

class Card {
  #calendar;
  #name;
  #week;
  #rows = el("div", { class: "specials" });
  #specials = [];
  #form;

  constructor(calendar) {
    this.#calendar = calendar;
    this.#name = calendar.isNew ? field(_("Name"), { maxlength: 60 }) : null;
    this.#week = DAYS.map((day, place) => field(dayName(place), { value: hoursWords(calendar.week[day]), placeholder: _("not at all") }));
    for (const days of calendar.special_days) this.#addSpecial(days);
    const more = el("button", { class: "btn sm", type: "button", onclick: () => this.#addSpecial({ first: "", last: "", hours: [], name: "" }).focus() }, icon("plus"), _("Add special days"));
    const remove = el("button", { class: "btn quietb", type: "button", onclick: () => this.#remove() }, icon("trash"), calendar.isNew ? _("Do not add it") : _("Remove"));
    this.#form = el("form", { class: "card calendar", novalidate: true },
      el("div", { class: "card-head" }, el("h2", null, calendar.isNew ? _("A new calendar") : calendar.name), el("span", { class: "quiet" }, calendar.isNew ? "" : calendar.applies_now ? _("applies now") : _("does not apply now"))),
      el("div", { class: "fields" }, this.#name?.element, ...this.#week.map(({ element }) => element)),
      el("h3", null, _("Special days")), el("p", { class: "small quiet" }, _("They count instead of the weekday. Without hours: not at all.")), this.#rows, more,
      el("div", { class: "row foot" }, remove, el("span", { class: "grow" }), el("button", { class: "btn primary" }, _("Save"))));
    this.#form.addEventListener("submit", (event) => { event.preventDefault(); this.#save(); });
  }

  get element() {
    return this.#form;
  }

  focus() {
    (this.#name ?? this.#week[0]).input.focus();
  }

  #addSpecial({ first, last, hours, name }) {
    const one = {
      first: field(_("From day"), { type: "date", value: first }),
      last: field(_("To day"), { type: "date", value: last }),
      hours: field(_("Hours"), { value: hoursWords(hours), placeholder: _("not at all") }),
      name: field(_("Name"), { value: name, maxlength: 60 }),
    };
    const row = el("div", { class: "fields special" }, ...Object.values(one).map(({ element }) => element));
    row.append(el("button", { class: "btn sm quietb", type: "button", "aria-label": _("Remove these days"), onclick: () => { this.#specials = this.#specials.filter((other) => other !== one); row.remove(); } }, icon("trash")));
    this.#specials.push(one);
    this.#rows.append(row);
    return one.first.input;
  }

  /** What is written, in the API's shape; null when something cannot be read, which is then told. */
  #read() {
    let wrong = null;
    const hours = ({ input }) => {
      try {
        tellFault(input, "");
        return readHours(input.value);
      } catch (error) {
        tellFault(input, error.message);
        wrong ??= input;
        return [];
      }
    };
    const week = Object.fromEntries(DAYS.map((day, place) => [day, hours(this.#week[place])]));
    const special_days = this.#specials.map((one) => ({ first: one.first.input.value, last: one.last.input.value || one.first.input.value, hours: hours(one.hours), name: one.name.input.value.trim() }));
    wrong?.focus();
    return wrong ? null : { week, special_days };
  }

  async #save() {
    const body = this.#read();
    if (!body) return;
    try {
      if (this.#name) await ask("/calendars", { method: "POST", body: { name: this.#name.input.value.trim(), ...body } });
      else await ask(`/calendars/${encodeURIComponent(this.#calendar.name)}`, { method: "PATCH", body });
      await load();
      toast(_("The calendar is saved. It acts at once."));
    } catch (error) {
      this.#refused(error);
    }
  }

  #refused(error) {
    const [group, key, part] = (error instanceof Refusal && error.field ? error.field : "").split(".");
    let input = null;
    if (group === "name") input = this.#name?.input;
    else if (group === "week") input = this.#week[DAYS.indexOf(key)]?.input;
    else if (group === "special_days") input = this.#specials[Number(key)]?.[part ?? "first"]?.input;
    if (!input) {
      toast(error.message);
      return;
    }
    tellFault(input, error.message);
    input.focus();
  }

  async #remove() {
    if (this.#calendar.isNew) {
      this.#form.remove();
      return;
    }
    try {
      await ask(`/calendars/${encodeURIComponent(this.#calendar.name)}`, { method: "DELETE" });
      await load();
    } catch (error) {
      toast(error.message);
    }
  }
}

async function load() {
  try {
    const { items } = await askJson("/calendars");
    const own = items.filter(({ built_in: builtIn }) => !builtIn);
    byId("list").replaceChildren(...(own.length ? own.map((calendar) => new Card(calendar).element) : [el("div", { class: "empty" }, icon("journal", "i big"), el("h2", null, _("No calendar of your own yet")), el("p", null, _("Make one for the hours the shop is open, for example.")))]));
  } catch (error) {
    byId("list").replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, el("b", null, _("The calendars could not be read.")), " ", error.message)));
  }
}

byId("add").addEventListener("click", () => {
  byId("list").querySelector(".empty")?.remove();
  const card = new Card({ isNew: true, name: "", week: Object.fromEntries(DAYS.map((day) => [day, []])), special_days: [] });
  byId("list").prepend(card.element);
  card.focus();
});
load();
