// The dialog in which it is set how long something is kept. What would go by that stands there before it is saved.

import { Refusal, askJson, query } from "./api.js";
import { el, icon, show } from "./dom.js";
import { tellFault } from "./faults.js";
import { _, figure, ngettext } from "./texts.js";
import { dateWords } from "./time.js";
import { toast } from "./toast.js";
import { sizeWords } from "./words.js";

const SOON_MS = 250;
const SUBJECTS = {
  footage: () => _("Recordings"),
  alarms: () => _("Recordings of alarms"),
  lines: () => _("Tickets and exceptions"),
  journals: () => _("Journals, alarms, lost cameras"),
};
const COUNTS = {
  files: (count) => ngettext("{count} file", "{count} files", count),
  bytes: (count) => sizeWords(count),
  lines: (count) => ngettext("{count} line", "{count} lines", count),
  tickets: (count) => ngettext("{count} ticket", "{count} tickets", count),
  exceptions: (count) => ngettext("{count} exception", "{count} exceptions", count),
  entries: (count) => ngettext("{count} entry", "{count} entries", count),
  alarms: (count) => ngettext("{count} alarm", "{count} alarms", count),
  losses: (count) => ngettext("{count} time of a lost camera", "{count} times of lost cameras", count),
};
const USUAL = { footage: 30, alarms: 90, lines: 730, journals: 365 };
const FEWEST_JOURNAL_DAYS = 31;

export const subject = (what) => SUBJECTS[what]();
const forEver = (what) => (["footage", "alarms"].includes(what) ? _("until room is wanted") : _("for ever"));

/** "730 days"; 0 is for ever, or until room is wanted. */
export const daysWords = (what, days) => (days ? ngettext("{count} day", "{count} days", days) : forEver(what));

/** "12 lines, 3 tickets" of what is counted. */
const countWords = (count) => Object.entries(count).filter(([, number]) => number).map(([name, number]) => COUNTS[name](number)).join(", ");

export class DaysDialog {
  #box;
  #done;
  #kind = null; // as `GET /storage` tells it
  #plan = null; // what the present choice comes to; null while that is not known
  #turn = 0;
  #soon = 0;

  /** `done()` is called when something was saved. */
  constructor(box, done) {
    this.#box = box;
    this.#done = done;
    this.#find("form").addEventListener("submit", (event) => { event.preventDefault(); this.#save(); });
    this.#find("[data-cancel]").addEventListener("click", () => box.close());
    this.#find("form").addEventListener("input", ({ target }) => this.#changed(target));
  }

  open(kind) {
    this.#kind = kind;
    const { what, days, in_file: inFile, is_set: isSet } = kind;
    this.#find("h2").textContent = subject(what);
    this.#find("[data-file]").textContent = _("As in the file: {days}", { days: daysWords(what, inFile) });
    this.#find("[data-ever]").textContent = what === "footage" || what === "alarms" ? _("Until room is wanted") : _("For ever");
    this.#number.min = what === "journals" ? FEWEST_JOURNAL_DAYS : 1;
    this.#number.value = days || inFile || USUAL[what];
    this.#choose(isSet ? (days ? "days" : "ever") : "file");
    this.#box.showModal();
    this.#look();
  }

  #find(selector) {
    return this.#box.querySelector(selector);
  }

  get #number() {
    return this.#find("[name=number]");
  }

  get #sure() {
    return this.#find("[name=sure]");
  }

  get #choice() {
    return this.#find("[name=choice]:checked").value;
  }

  #choose(choice) {
    this.#find(`[name=choice][value=${choice}]`).checked = true;
  }

  /** What is chosen, as the API takes it; NaN where it cannot be read. */
  get #days() {
    if (this.#choice === "file") return null;
    return this.#choice === "ever" ? 0 : /^\d+$/.test(this.#number.value.trim()) ? Number(this.#number.value) : NaN;
  }

  #changed(target) {
    if (target === this.#sure) return tellFault(this.#sure, "");
    if (target === this.#number) this.#choose("days");
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.#look(), SOON_MS);
    return undefined;
  }

  /** Ask what the present choice comes to, and tell it. */
  async #look() {
    const mine = ++this.#turn;
    const { what } = this.#kind;
    const days = this.#days;
    this.#plan = null;
    tellFault(this.#number, "");
    tellFault(this.#sure, "");
    this.#sure.checked = false;
    this.#tell(null);
    if (Number.isNaN(days)) return;
    try {
      const plan = await askJson(`/storage/${what}/plan${query(days === null ? {} : { days: String(days) })}`);
      if (mine !== this.#turn) return;
      this.#plan = plan;
      this.#tell(plan);
    } catch (error) {
      if (mine === this.#turn) this.#refused(error);
    }
  }

  #tell(plan) {
    const outcome = this.#find("[data-outcome]");
    const asks = Boolean(plan?.erases) && isFewer(plan.days, plan.before);
    show(this.#find("[data-sure]"), asks);
    this.#find(".primary").textContent = asks ? _("Save, and erase what is older") : _("Save");
    outcome.className = `note ${plan?.erases ? "warn" : "info"}`;
    if (!plan) outcome.replaceChildren(icon("clock"), el("span", null, _("Looking what that comes to…")));
    else if (!plan.erases) outcome.replaceChildren(icon("ok"), el("span", null, _("Nothing that is there now goes by this.")));
    else outcome.replaceChildren(icon("warn"), el("div", null,
      el("p", null, el("b", null, _("What is from before {day} will be erased: {count}.", { day: dateWords(Date.parse(plan.older_than)), count: countWords(plan.count) }))),
      plan.oldest ? el("p", null, _("The oldest of it is from {day}.", { day: dateWords(Date.parse(plan.oldest)) })) : null,
      el("p", null, _("Nothing of it goes before {day}. Until then this can be taken back.", { day: dateWords(Date.parse(plan.begins_at)) }))));
  }

  async #save() {
    const days = this.#days;
    if (Number.isNaN(days)) {
      tellFault(this.#number, _("Give a number of days."));
      this.#number.focus();
      return;
    }
    if (!this.#find("[data-sure]").hidden && !this.#sure.checked) {
      tellFault(this.#sure, _("Confirm that what is older may go."));
      this.#sure.focus();
      return;
    }
    let saved = null;
    try {
      saved = await askJson(`/storage/${this.#kind.what}`, { method: "PATCH", body: { days, before: this.#kind.days, confirmed: this.#sure.checked && !this.#find("[data-sure]").hidden } });
    } catch (error) {
      this.#refused(error);
      return;
    }
    this.#box.close();
    toast(saved.begins_at ? _("It is saved. What is older is erased from {day} on.", { day: dateWords(Date.parse(saved.begins_at)) }) : _("It is saved and acts at once."));
    await this.#done();
    document.querySelector(`[data-kind="${this.#kind.what}"]`)?.focus();
  }

  #refused(error) {
    const outcome = this.#find("[data-outcome]");
    outcome.className = "note bad";
    outcome.replaceChildren(icon("warn"), el("span", null, error.message));
    if (!(error instanceof Refusal)) return;
    if (error.field === "days") this.#number.focus();
    if (error.field === "before" || error.field === "confirmed") this.#done();
  }
}

/** Whether something kept for `days` goes earlier than for those of `before`; 0 is for ever. */
const isFewer = (days, before) => days > 0 && (before === 0 || days < before);
