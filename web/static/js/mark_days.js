// Marks on the lines of time by whole days, kept for a while.

import { dayEnd, dayStart, now } from "./time.js";

const FRESH_MS = 4000; // how long today's answer stays good

export class MarkDays {
  #ask;
  #pastMs;
  #days = new Map();

  /** `ask(start, stop)` gives a promise of marks; those of a day that is over stay good for `pastMs`. */
  constructor(ask, pastMs = Infinity) {
    this.#ask = ask;
    this.#pastMs = pastMs;
  }

  day(name) {
    const known = this.#days.get(name);
    if (known && performance.now() - known.asked < (dayEnd(name) <= now() ? this.#pastMs : FRESH_MS)) return known.answer;
    const answer = this.#ask(dayStart(name), dayEnd(name));
    this.#days.set(name, { asked: performance.now(), answer });
    answer.catch(() => this.#days.delete(name));
    return answer;
  }
}
