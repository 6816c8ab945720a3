// What of a camera was recorded, asked for by whole days and kept for a while.

import { askJson, query } from "./api.js";
import { dayEnd, dayOf, dayStart, iso, now } from "./time.js";

const FRESH_MS = 4000; // how long today's answer stays good: the open segment grows
const JOIN_MS = 1500; // spans closer together than this are one to the eye

export class Recordings {
  #camera;
  #days = new Map(); // name of the day -> {asked, answer: Promise}

  constructor(camera) {
    this.#camera = camera;
  }

  /** {spans: [[from, to]], gaps: [[from, to, cause]]} of the day named 2026-11-20. */
  day(name) {
    const known = this.#days.get(name);
    const growing = dayEnd(name) > now();
    if (known && (!growing || performance.now() - known.asked < FRESH_MS)) return known.answer;
    const answer = this.#ask(dayStart(name), dayEnd(name));
    this.#days.set(name, { asked: performance.now(), answer });
    answer.catch(() => this.#days.delete(name));
    return answer;
  }

  /** Spans of a longer time, not kept. */
  between(start, stop) {
    return this.#ask(start, stop);
  }

  /**
   * Where playing can go on from `at`: {at, spanEnd} when there is a picture, {gap: [from, to, cause]} when not.
   * `from` or `to` of a gap is null when nothing lies on that side in the same day.
   */
  async place(at) {
    const { spans, gaps } = await this.day(dayOf(at));
    const span = spans.find(([from, to]) => at >= from && at < to);
    if (span) return { at, spanEnd: span[1] };
    const before = spans.filter(([, to]) => to <= at).pop();
    const after = spans.find(([from]) => from > at);
    const cause = gaps.find(([from, to]) => at >= from && at < to)?.[2] ?? "";
    return { gap: [before?.[1] ?? null, after?.[0] ?? null, cause] };
  }

  async #ask(start, stop) {
    const told = await askJson(`/cameras/${this.#camera}/recordings${query({ kind: "all", start: iso(start), stop: iso(stop) })}`);
    return {
      spans: joinedSpans(told.spans.map((span) => [Math.max(start, Date.parse(span.start)), Math.min(stop, Date.parse(span.stop))])),
      gaps: told.gaps.map((gap) => [Math.max(start, Date.parse(gap.start)), Math.min(stop, gap.stop ? Date.parse(gap.stop) : now()), gap.cause]),
    };
  }
}

/** Spans in order, those that touch made one. */
export function joinedSpans(spans) {
  const found = [];
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = found[found.length - 1];
    if (last && from - last[1] <= JOIN_MS) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found;
}
