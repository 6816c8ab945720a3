// The exception that stands at the replayed moment, with the buttons by which it is judged.

import { deedWords } from "./deeds.js";
import { arrange, el, show } from "./dom.js";
import { reviewWords, sendVerdict, tellVerdict, verdictActions } from "./judging.js";
import { tillName } from "./lines.js";
import { _, figure } from "./texts.js";
import { clock } from "./time.js";
import { toast } from "./toast.js";

const BEFORE_MS = 2000; // so long before its instant it shows already
const AFTER_MS = 30000; // and so long after it
const ROUNDING_MS = 50; // so much a player may stand before the instant it was sent to

export class FoundHere {
  #element;
  #marks = [];
  #one = null; // the exception that is shown
  #drawn = "";
  #wanted = ""; // the id of the one that was asked for
  #acts = null;
  #told = el("p", { class: "small" });
  #badge = el("span");
  #sending = Promise.resolve();
  #judged;

  /** `judged(one)` is called when what stands in `element` was judged. */
  constructor(element, judged) {
    this.#element = element;
    this.#judged = judged;
  }

  /** The exceptions of the day, as `exceptionMarks` gives them. */
  set marks(marks) {
    this.#marks = marks;
  }

  /** Show this one of several at an instant, while the picture is near it. */
  want(id) {
    this.#wanted = id;
  }

  /** Show what stands at `at`, if anything does; what somebody writes a note on stays. */
  show(at) {
    if (this.#element.contains(document.activeElement) && document.activeElement.matches("input")) return;
    const near = this.#marks.filter(({ from }) => at >= from - BEFORE_MS && at < from + AFTER_MS);
    const begun = near.filter(({ from }) => from <= at + ROUNDING_MS);
    const instant = begun.length ? begun.at(-1).from : near[0]?.from;
    const here = near.filter(({ from }) => from === instant).map(({ found: [one] }) => one);
    const wanted = near.map(({ found: [one] }) => one).find(({ id }) => id === this.#wanted);
    if (!wanted && this.#wanted && near.length) this.#wanted = "";
    this.#draw(wanted ?? here.find(({ id }) => id === this.#one?.id) ?? here.find(({ verdict }) => verdict === "new") ?? here[0] ?? null);
  }

  /** The exception after the one that is shown, or after `at` where none is; before it for -1. null where there is none. */
  next(at, direction) {
    const all = this.#marks.map(({ found: [one] }) => one);
    const place = all.findIndex(({ id }) => id === this.#one?.id);
    if (place >= 0) return all[place + direction] ?? null;
    const later = this.#marks.findIndex(({ from }) => from > at);
    const from = later < 0 ? all.length : later;
    return all[direction > 0 ? from : from - 1] ?? null;
  }

  /** Send what was judged or noted of the one that is shown: one after the other, as it was seen when its turn comes. */
  judge(body) {
    if (!this.#one) {
      toast(_("No exception stands at this moment."));
      return;
    }
    const { id } = this.#one;
    this.#sending = this.#sending.then(() => this.#send(id, body)).catch((error) => { toast(error.message); });
  }

  async #send(id, body) {
    const mark = this.#marks.find(({ found: [one] }) => one.id === id);
    const before = mark?.found[0] ?? this.#one;
    if (before?.id !== id) return; // another day is shown by now
    const found = await sendVerdict(before, body);
    if (!found) return;
    if (mark) mark.found = [found];
    if (this.#one?.id === id) this.#draw(found);
    this.#judged(found);
  }

  #draw(one) {
    const drawn = one ? JSON.stringify(one) : "";
    if (drawn === this.#drawn) return;
    const other = one?.id !== this.#one?.id;
    this.#one = one;
    this.#drawn = drawn;
    show(this.#element, Boolean(one));
    if (!one) return;
    if (other) {
      this.#acts = verdictActions(one, { judge: (body) => this.judge(body), leave: () => this.#element.focus(), keys: true });
      const what = [tillName(one.source), one.seller && _("cashier {name}", { name: one.seller }), one.text || deedWords(one.deed), Number(one.amount) ? figure(Number(one.amount), 2) : ""];
      arrange(this.#element, [
        el("p", { class: "head" }, el("b", null, one.rule), this.#badge),
        el("p", { class: "small" }, el("time", { class: "mono", datetime: one.at }, clock(Date.parse(one.at))), " · ", what.filter(Boolean).join(" · ")),
        this.#told, this.#acts]);
    }
    tellVerdict(this.#badge, one.verdict);
    this.#told.textContent = reviewWords(one);
    show(this.#told, this.#told.textContent !== "");
    const hadFocus = this.#acts.contains(document.activeElement);
    this.#acts.tell(one);
    if (hadFocus && document.activeElement?.closest("[hidden]")) this.#element.focus();
  }
}
