// The rules: a list, and the form of one, which is tried on the past before it is switched on. A rule is a sentence; each
// of its slots opens the conditions behind it.

import { Refusal, ask, askJson } from "./api.js";
import { deedWords } from "./deeds.js";
import { el, icon, show, svg } from "./dom.js";
import { erasedWords } from "./kept.js";
import { facts, may } from "./page.js";
import { sourceName, sourcesCalled, tillName } from "./lines.js";
import { labelFields } from "./refusals.js";
import { sentenceOf, sentencePieces, slotsOf } from "./rule_words.js";
import { _, figure, ngettext } from "./texts.js";
import { clock, dayOf, iso, now, shortDay } from "./time.js";
import { toast } from "./toast.js";

const DAY_MS = 86400000;
const KINDS = { line: () => _("a line"), ticket: () => _("a whole ticket"), window: () => _("several lines within a time"), absence: () => _("a line, and then something does not come"), number: () => _("the numbers of tickets") };
const PERS = { seller: () => _("of one cashier"), source: () => _("at one till"), card: () => _("of one card"), all: () => _("in the whole shop") };
const MEASURES = { count: () => _("lines"), tickets: () => _("tickets"), tills: () => _("tills"), sum: () => _("sum of the amounts"), ratio: () => _("to a hundred others") };
const WHENS = { after: () => _("after it"), before: () => _("before it") };
const NUMBERINGS = { gap: () => _("numbers that are missing"), repeat: () => _("a number that comes again") };
const CALENDARS = { always: () => _("always"), never: () => _("never") };
const calendarNames = () => Object.fromEntries(facts.calendars.map((name) => [name, CALENDARS[name] ?? (() => name)]));
const cameraNames = () => ({ "": () => _("those of the till"), ...Object.fromEntries(facts.cameras.map(({ id, name }) => [id, () => `${id} · ${name}`])) });

// path, what it takes, label, and the slot of the sentence that opens it
const FIELDS = [
  ["lines.deeds", "deeds", () => _("What is done"), "deeds"],
  ["lines.types", "list", () => _("Types of line"), "deeds"],
  ["lines.specials", "list", () => _("Special words"), "deeds"],
  ["lines.articles", "list", () => _("Articles: codes or words"), "articles"],
  ["lines.amount_min", "number", () => _("Amount from"), "amount"],
  ["lines.amount_max", "number", () => _("Amount to"), "amount"],
  ["lines.price_min", "number", () => _("Price of a piece from"), "figures"],
  ["lines.price_max", "number", () => _("Price of a piece to"), "figures"],
  ["lines.quantity_min", "number", () => _("Quantity from"), "figures"],
  ["lines.quantity_max", "number", () => _("Quantity to"), "figures"],
  ["lines.discount_min", "number", () => _("Discount from"), "figures"],
  ["lines.discount_max", "number", () => _("Discount to"), "figures"],
  ["lines.discount_percent", "number", () => _("Discount in percent, at least"), "figures"],
  ["lines.paying", "check", () => _("Only once the payment of the ticket has begun"), "stage"],
  ["lines.sellers", "list", () => _("Cashiers"), "sellers"],
  ["lines.sources", "tills", () => _("Tills"), "sources"],
  ["lines.calendar", "choice", () => _("When"), "hours", calendarNames],
  ["lines.outside", "check", () => _("Outside of these hours"), "hours"],
  ["ticket.has", "deeds", () => _("The ticket has one of"), "has"],
  ["ticket.also", "deeds", () => _("And one of"), "also"],
  ["ticket.lacks", "deeds", () => _("The ticket has none of"), "lacks"],
  ["ticket.total_min", "number", () => _("Total from"), "total"],
  ["ticket.total_max", "number", () => _("Total to"), "total"],
  ["ticket.lines_min", "whole", () => _("Lines from"), "size"],
  ["ticket.lines_max", "whole", () => _("Lines to"), "size"],
  ["ticket.seconds_min", "whole", () => _("Seconds from"), "lasts"],
  ["ticket.seconds_max", "whole", () => _("Seconds to"), "lasts"],
  ["ticket.pause_min", "whole", () => _("Seconds without a line, at least"), "pause"],
  ["ticket.voids_percent", "whole", () => _("Cancelled of a hundred articles, at least"), "voids"],
  ["ticket.change_off", "number", () => _("Change wrong by at least"), "change"],
  ["ticket.unfinished", "check", () => _("Its end never came"), "unfinished"],
  ["ticket.silence_seconds", "whole", () => _("Seconds of silence that end a ticket"), "silence"],
  ["window.at_least", "number", () => _("At least"), "figure"],
  ["window.measure", "choice", () => _("Counted as"), "figure", () => MEASURES],
  ["window.among", "deeds", () => _("Compared to"), "figure", null, "ratio"],
  ["window.base", "whole", () => _("Once there are so many of those"), "figure", null, "ratio"],
  ["window.seconds", "whole", () => _("Within seconds"), "span"],
  ["window.per", "choice", () => _("Together"), "per", () => PERS],
  ["absence.deeds", "deeds", () => _("None of these comes (nothing chosen: nothing at all)"), "absent"],
  ["absence.seconds", "whole", () => _("For seconds"), "within"],
  ["absence.when", "choice", () => _("Looked for"), "within", () => WHENS],
  ["number.looks_for", "choice", () => _("Look for"), "number", () => NUMBERINGS],
  ["number.most", "whole", () => _("Missing in a row, at most (more is another count)"), "number"],
  ["still.seconds", "whole", () => _("Nothing moved for seconds before (0: not asked)"), "still"],
  ["still.zone", "text", () => _("In the zone (empty: the whole picture)"), "still"],
  ["still.camera", "camera", () => _("Of the camera"), "still", cameraNames],
];
// what can be added to a sentence that does not say it yet
const MORE = {
  articles: () => _("Articles"), amount: () => _("Amount"), figures: () => _("Price, quantity, discount"), stage: () => _("After the payment began"), hours: () => _("Hours"), still: () => _("Nobody there"),
  has: () => _("Has"), also: () => _("Has as well"), lacks: () => _("Has not"), total: () => _("Total"), size: () => _("Number of lines"), lasts: () => _("Duration"), pause: () => _("Standstill"), voids: () => _("Share cancelled"), change: () => _("Wrong change"), unfinished: () => _("Never ended"), silence: () => _("Silence"),
};
labelFields({ ...Object.fromEntries(FIELDS.map(([path, , label]) => [path, label])), rule: () => _("Rule") });
const GROUPS = ["lines", "ticket", "window", "absence", "number", "still"];

let made = 0;

/** A control for one condition: {element, get, set, input}. */
function control(kind, label, choices) {
  const id = `r-${++made}`;
  if (kind === "check") {
    const input = el("input", { type: "checkbox", id });
    return { input, element: el("div", { class: "field full" }, el("label", { class: "check" }, input, el("span", null, label()))), get: () => input.checked, set: (value) => { input.checked = value; } };
  }
  if (kind === "deeds") {
    const boxes = facts.deeds.map((deed) => [deed, el("input", { type: "checkbox" })]);
    const head = el("summary");
    const tell = () => {
      const words = boxes.filter(([, box]) => box.checked).map(([deed]) => deedWords(deed));
      head.replaceChildren(words.length ? words.join(", ") : _("not asked"));
    };
    const details = el("details", { class: "deeds" }, head, el("div", { class: "deedlist" }, boxes.map(([deed, box]) => el("label", { class: "check" }, box, el("span", null, deedWords(deed))))));
    details.addEventListener("change", tell);
    const element = el("div", { class: "field full", role: "group", "aria-label": label() }, el("span", { class: "lbl" }, label()), details);
    return { input: head, element, get: () => boxes.filter(([, box]) => box.checked).map(([deed]) => deed), set: (value) => { for (const [deed, box] of boxes) box.checked = value.includes(deed); tell(); } };
  }
  const select = kind === "choice" || kind === "camera";
  const input = select ? el("select", { class: "in", id }, Object.entries(choices()).map(([value, words]) => el("option", { value }, words()))) : el("input", { class: ["list", "tills", "text"].includes(kind) ? "in" : "in num", id, autocomplete: "off", inputmode: kind === "whole" ? "numeric" : kind === "number" ? "decimal" : null, placeholder: kind === "list" || kind === "tills" ? _("all, or a, b") : null });
  const readers = {
    list: [() => input.value.split(",").map((word) => word.trim()).filter(Boolean), (value) => value.join(", ")],
    tills: [() => [...new Set(input.value.split(",").map((word) => word.trim()).filter(Boolean).flatMap(sourcesCalled))], (value) => value.map(sourceName).join(", ")],
    number: [() => (input.value.trim() === "" ? null : input.value.trim()), (value) => value ?? ""],
    whole: [() => (input.value.trim() === "" ? null : /^\d+$/.test(input.value.trim()) ? Number(input.value) : input.value), (value) => value ?? ""],
    camera: [() => (input.value === "" ? null : Number(input.value)), (value) => {
      if (value === 0 && !input.querySelector("[value='0']")) input.append(el("option", { value: 0 }, _("a camera that was removed")));
      return value ?? "";
    }],
  };
  const [get, write] = readers[kind] ?? [() => input.value, (value) => value];
  return { input, element: el("div", { class: "field" }, el("label", { for: id }, label()), input), get, set: (value) => { input.value = write(value); } };
}

/** The form of one rule. */
class RuleForm {
  #rule;
  #controls = new Map();
  #panels = new Map();
  #name = control("text", () => _("Name of the rule"));
  #kind = control("choice", () => _("Tell me of"), () => KINDS);
  #alarm = control("check", () => _("Raise an alarm on the cameras of the till"));
  #popup = control("check", () => _("Tell who looks at a live page"));
  #enabled = control("check", () => _("Switched on"));
  #days = control("choice", () => _("Try it on"), () => ({ 1: () => _("the last day"), 7: () => _("the last 7 days"), 30: () => _("the last 30 days") }));
  #sentence = el("p", { class: "sentence", "aria-live": "polite" });
  #more = el("div", { class: "row wrap slotmore", role: "group", "aria-label": _("More conditions") });
  #result = el("div", { class: "trial", "aria-live": "polite" });
  #open = "";
  #said = "";
  #running = null;
  #done;

  constructor(rule, presets, done) {
    this.#rule = rule;
    this.#done = done;
    for (const [path, kind, label, slot, choices, group] of FIELDS) {
      const made = control(kind, label, choices);
      this.#controls.set(path, made);
      if (group) made.element.dataset.group = group;
      if (!this.#panels.has(slot)) this.#panels.set(slot, el("div", { class: "fields", id: `slot-${slot}`, "data-slot": slot, hidden: true }));
      this.#panels.get(slot).append(made.element);
    }
    const panels = el("div", { class: "slotpanels" }, [...this.#panels.values()]);
    panels.addEventListener("input", () => this.#say());
    panels.addEventListener("change", () => this.#say());
    this.#name.element.classList.add("full");
    panels.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.#show("");
    });
    const attempt = el("button", { class: "btn", type: "button", onclick: () => this.#try() }, icon("clock"), _("Try it"));
    this.#days.set("7");
    const begin = presets.length ? this.#presets(presets) : null;
    this.element = el("form", { class: "card ruleform", novalidate: true },
      el("div", { class: "card-head" }, el("h2", null, rule.id ? _("Rule: {name}", { name: rule.name }) : _("New rule"))),
      el("div", { class: "fields" }, begin, this.#name.element, this.#kind.element),
      this.#sentence, panels, this.#more,
      el("div", { class: "fields" }, this.#alarm.element, this.#popup.element, this.#enabled.element),
      el("div", { class: "row wrap tryrow" }, this.#days.element, attempt), this.#result,
      el("div", { class: "row wrap foot" }, el("button", { class: "btn primary" }, _("Save rule")), el("button", { class: "btn", type: "button", onclick: () => this.#close() }, _("Close")),
        el("span", { class: "grow" }), rule.id ? el("button", { class: "btn quietb", type: "button", onclick: () => this.#remove() }, icon("trash"), _("Remove")) : null));
    this.element.addEventListener("submit", (event) => { event.preventDefault(); this.#save(); });
    this.#kind.input.addEventListener("change", () => { this.#show("", false); this.#say(); });
    this.#fill(rule);
  }

  focus() {
    this.#name.input.focus();
  }

  leave() {
    this.#running?.abort();
  }

  /** The rule `id` was switched on or off beside this form. */
  turned(id, enabled) {
    if (this.#rule.id === id) this.#enabled.set(enabled);
  }

  /** The rules to begin with, by what they look for. */
  #presets(presets) {
    const groups = new Map();
    for (const [place, one] of presets.entries()) groups.set(one.group, [...(groups.get(one.group) ?? []), el("option", { value: place }, _(one.name))]);
    const select = el("select", { class: "in", id: "preset" }, el("option", { value: "" }, _("an empty one")), [...groups].map(([group, options]) => el("optgroup", { label: _(group) }, options)));
    select.addEventListener("change", () => {
      const chosen = presets[select.value];
      if (!chosen) return;
      this.#show("", false);
      this.#fill({ ...chosen, name: _(chosen.name), enabled: false });
    });
    return el("div", { class: "field full" }, el("label", { for: "preset" }, _("Begin with")), select);
  }

  #fill(rule) {
    this.#name.set(rule.name);
    this.#kind.set(rule.kind);
    this.#alarm.set(rule.alarm);
    this.#popup.set(rule.popup);
    this.#enabled.set(rule.enabled);
    for (const [path, one] of this.#controls) {
      const [group, key] = path.split(".");
      one.set(rule[group][key]);
    }
    this.#say();
  }

  /** Say the rule as a sentence, as it is now. */
  #say() {
    const rule = this.#body();
    for (const box of this.element.querySelectorAll("[data-group=ratio]")) show(box, rule.window.measure === "ratio");
    const slots = slotsOf(rule);
    const said = JSON.stringify([rule.kind, slots]);
    if (said === this.#said) return; // what is said again would take the focus from its slot
    this.#said = said;
    this.#sentence.replaceChildren(...sentencePieces(rule, (name, words) => this.#slot(name, words, "slot")));
    const unsaid = slots.filter(({ name, words }) => !words && MORE[name]);
    this.#more.replaceChildren(...unsaid.map(({ name }) => this.#slot(name, MORE[name](), "btn sm")));
  }

  #slot(name, words, kind) {
    return el("button", { class: kind, type: "button", "data-opens": name, "aria-controls": `slot-${name}`, "aria-expanded": String(name === this.#open), onclick: () => this.#show(name === this.#open ? "" : name) }, kind === "slot" ? words : [icon("plus"), words], kind === "slot" ? icon("down") : null);
  }

  /** Open the conditions behind a slot, "" for none, and go there, or back to the slot. */
  #show(name, go = true) {
    const before = this.#open;
    this.#open = name;
    for (const [slot, panel] of this.#panels) show(panel, slot === name);
    for (const button of this.element.querySelectorAll("[data-opens]")) button.setAttribute("aria-expanded", String(button.dataset.opens === name));
    if (!go) return;
    if (!name) {
      this.element.querySelector(`[data-opens="${before}"]`)?.focus();
      return;
    }
    const panel = this.#panels.get(name);
    const deeds = panel.querySelector("details");
    if (deeds) deeds.open = true;
    panel.querySelector("input, select, summary").focus();
  }

  #body() {
    const body = { name: this.#name.get().trim(), kind: this.#kind.get(), alarm: this.#alarm.get(), popup: this.#popup.get(), enabled: this.#enabled.get() };
    for (const group of GROUPS) body[group] = {};
    for (const [path, one] of this.#controls) {
      const [group, key] = path.split(".");
      body[group][key] = one.get();
    }
    if (body.kind === "ticket" || body.kind === "number") body.still.seconds = 0;
    return body;
  }

  #refused(error) {
    const field = error instanceof Refusal ? (error.field ?? "").replace(/^rule\./, "") : "";
    const found = field === "name" ? this.#name : this.#controls.get(field);
    if (!found) {
      toast(error.message);
      return;
    }
    const box = found.element;
    box.classList.add("bad");
    box.append(el("span", { class: "msg", role: "alert" }, icon("warn"), el("span", null, error.message)));
    const panel = box.closest("[data-slot]");
    if (panel) this.#show(panel.dataset.slot, false);
    found.input.focus();
  }

  #clear() {
    for (const box of this.element.querySelectorAll(".field.bad")) {
      box.classList.remove("bad");
      box.querySelector(".msg")?.remove();
    }
  }

  async #save() {
    this.#clear();
    try {
      const id = this.#rule.id;
      const saved = await askJson(id ? `/rules/${id}` : "/rules", { method: id ? "PATCH" : "POST", body: this.#body() });
      toast(saved.enabled ? _("The rule is saved. It acts at once.") : _("The rule is saved. It is switched off."));
      this.leave();
      this.#done(saved.id);
    } catch (error) {
      this.#refused(error);
    }
  }

  async #remove() {
    try {
      await ask(`/rules/${this.#rule.id}`, { method: "DELETE" });
      this.#close();
    } catch (error) {
      toast(error.message);
    }
  }

  #close() {
    this.leave();
    this.#done(null);
  }

  async #try() {
    this.leave();
    this.#clear();
    const running = (this.#running = new AbortController());
    const stop = now();
    const start = stop - Number(this.#days.get()) * DAY_MS;
    this.#result.replaceChildren(el("p", { class: "small quiet" }, _("Reading the tickets…")));
    try {
      const { name: _name, ...rule } = this.#body();
      const response = await ask("/rules/try", { method: "POST", body: { rule, start: iso(start), stop: iso(stop) }, accept: "application/x-ndjson", signal: running.signal });
      for await (const told of jsonLines(response)) {
        if (running.signal.aborted) return;
        if (told.done) this.#tell(told, start, stop);
        else this.#result.replaceChildren(el("p", { class: "small quiet" }, _("{share} % of the time is read, {count} found so far.", { share: figure(Math.floor(100 * told.share)), count: figure(told.count) })), el("progress", { max: 1, value: told.share }));
      }
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#result.replaceChildren();
      this.#refused(error);
    }
  }

  #tell(found, start, stop) {
    const days = new Map();
    for (let at = start; at <= stop; at += DAY_MS) days.set(dayOf(at), 0);
    for (const { at, count } of found.hours) days.set(dayOf(Date.parse(at)), (days.get(dayOf(Date.parse(at))) ?? 0) + count);
    const top = found.sources[0];
    const erased = erasedWords("lines", start);
    const told = [
      erased ? el("p", { class: "small quiet" }, erased) : null,
      el("p", { class: "small quiet" }, _("With this rule, this time would have shown")),
      el("p", { class: "figure" }, figure(found.count), el("small", null, ngettext("exception on {tickets} tickets", "exceptions on {tickets} tickets", found.count, { tickets: figure(found.tickets) }))),
      bars([...days]), days.size > 1 ? el("p", { class: "small quiet ends" }, el("span", null, shortDay(start)), el("span", null, shortDay(stop))) : null,
      top && found.sources.length > 1 ? el("p", { class: "small quiet" }, _("Most of them: {till}, {count}.", { till: tillName(top.source), count: figure(top.count) })) : null,
      found.unknown ? el("div", { class: "note warn" }, icon("warn"), el("span", null, ngettext("Of {count} line it is not known whether somebody stood there: motion detection is off on those cameras, or they were lost then.", "Of {count} lines it is not known whether somebody stood there: motion detection is off on those cameras, or they were lost then.", found.unknown))) : null,
      found.count > found.hits.length ? el("p", { class: "small quiet" }, _("The first {count}:", { count: figure(found.hits.length) })) : null,
      el("ol", { class: "trialhits" }, found.hits.map(hitRow)),
    ];
    this.#result.replaceChildren(...told.filter(Boolean));
  }
}

function hitRow(hit) {
  const at = Date.parse(hit.at);
  const words = [shortDay(at), clock(at), tillName(hit.source), hit.seller && _("cashier {name}", { name: hit.seller }), hit.text, hit.amount && figure(Number(hit.amount), 2)].filter(Boolean).join(" · ");
  const camera = hit.cameras[0];
  return el("li", null, camera !== undefined && may("replay") ? el("a", { href: `/replay/${camera}?at=${(Date.parse(hit.picture_at) / 1000).toFixed(3)}`, target: "_blank" }, words) : words);
}

function bars(days) {
  const most = Math.max(1, ...days.map(([, count]) => count));
  const width = 100 / days.length;
  return svg("svg", { class: "bars", role: "img", "aria-label": _("Exceptions by day") }, days.map(([day, count], place) => svg("rect", { x: `${place * width + width * 0.12}%`, width: `${width * 0.76}%`, y: 58 - (50 * count) / most, height: Math.max(1, (50 * count) / most) }, svg("title", null, `${day}: ${count}`))));
}

async function* jsonLines(response) {
  let rest = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line) yield JSON.parse(line);
  }
}

/** The list of rules in `list`; the form of one opens in `editor`. */
export class Rules {
  #list;
  #editor;
  #form = null;
  #presets = [];
  #only;
  #known;
  #counts = new Map();

  /** `only(id)` is called to have a rule's exceptions shown, `known(rules)` when the rules were read. */
  constructor(list, editor, add, { only = () => {}, known = () => {} } = {}) {
    this.#list = list;
    this.#editor = editor;
    this.#only = only;
    this.#known = known;
    const loaded = this.#load();
    add?.addEventListener("click", async () => {
      await loaded;
      if (this.#presets.length) this.#open(null);
    });
  }

  /** Tell how much was found, {waiting, real, all} by the id of the rule. */
  tellCounts(counts) {
    this.#counts = counts;
    for (const box of this.#list.querySelectorAll("[data-rule]")) this.#drawCounts(box);
  }

  #drawCounts(box) {
    const { waiting, real, all } = this.#counts.get(box.dataset.rule) ?? { waiting: 0, real: 0, all: 0 };
    const words = [waiting && _("{count} to review", { count: figure(waiting) }), real && _("{count} confirmed", { count: figure(real) }), ngettext("{count} in all", "{count} in all", all)].filter(Boolean).join(", ");
    box.replaceChildren(all ? el("button", { class: "linklike", type: "button", title: _("Show only these"), onclick: () => this.#only(box.dataset.rule) }, words) : el("span", null, _("nothing found")));
  }

  async #load() {
    try {
      const [{ items }, presets] = await Promise.all([askJson("/rules"), askJson("/rules/presets")]);
      this.#presets = presets.items;
      this.#known(items);
      this.#list.replaceChildren(items.length ? el("ul", { class: "rulelist" }, items.map((rule) => this.#row(rule))) : el("p", { class: "quiet" }, _("No rule yet. Begin with one of those that shops use most, try it on your own tickets, then switch it on.")));
    } catch (error) {
      this.#list.replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, el("b", null, _("The rules could not be read.")), " ", error.message)));
    }
  }

  #row(rule) {
    const name = may("settings") ? el("button", { class: "btn quietb", type: "button", onclick: () => this.#open(rule) }, rule.name) : el("span", null, rule.name);
    const words = rule.enabled ? _("on") : _("off");
    const kind = rule.enabled ? "badge ok" : "badge";
    const state = may("settings") ? el("button", { class: `${kind} turn`, type: "button", role: "switch", "aria-checked": String(rule.enabled), "aria-label": _("Rule: {name}", { name: rule.name }), title: rule.enabled ? _("Switch off") : _("Switch on"), onclick: () => this.#turn(rule) }, words) : el("span", { class: kind }, words);
    const counts = el("p", { class: "small", "data-rule": rule.id });
    this.#drawCounts(counts);
    const blind = rule.unseen.length ? el("p", { class: "small warn-c" }, _("Nobody can tell whether somebody stands there: motion detection is off at till {names}.", { names: rule.unseen.map(sourceName).join(", ") })) : null;
    return el("li", null, name, state, el("p", { class: "small quiet" }, sentenceOf(rule)), counts, blind);
  }

  /** Switch a rule on or off; what is written in its form, where it is open, stays. */
  async #turn(rule) {
    try {
      const turned = await askJson(`/rules/${rule.id}`, { method: "PATCH", body: { enabled: !rule.enabled } });
      this.#form?.turned(turned.id, turned.enabled);
      toast(turned.enabled ? _("“{name}” is switched on. It acts at once.", { name: rule.name }) : _("“{name}” is switched off.", { name: rule.name }));
    } catch (error) {
      toast(error.message);
    }
    await this.#load();
    this.#list.querySelector(`[data-rule="${CSS.escape(rule.id)}"]`)?.closest("li").querySelector(".turn")?.focus();
  }

  #open(rule) {
    this.#form?.leave();
    const presets = rule ? [] : this.#presets;
    const fresh = { ...this.#presets[0], id: null, name: "", enabled: false };
    this.#form = new RuleForm(rule ?? fresh, presets, () => { this.#editor.replaceChildren(); this.#load(); });
    this.#editor.replaceChildren(this.#form.element);
    this.#form.focus();
  }
}
