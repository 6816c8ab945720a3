// Alarms on a line of time: what of them lies where. And links over alarms and exceptions, for pointer and keyboard.

import { askJson, query } from "./api.js";
import { el } from "./dom.js";
import { foundWords, wayTo } from "./exception_marks.js";
import { facts } from "./page.js";
import { _, ngettext } from "./texts.js";
import { clock, iso, now } from "./time.js";
import { causeWords } from "./words.js";

const LEAST_PX = 24; // of what is pointed at
const MOST_NAMES = 3;

/** Marks between two instants, the first one first: {from, to, camera, cameras, causes, count}; `most` of them at most. */
export async function alarmMarks(start, stop, { camera = "", most = "" } = {}) {
  const { items } = await askJson(`/alarms/marks${query({ camera, start: iso(start), stop: iso(stop), most })}`);
  return items.map(({ start: from, stop: to, ...rest }) => ({ ...rest, from: Math.max(start, Date.parse(from)), to: Math.max(Date.parse(from), Math.min(stop, now(), Date.parse(to))) }));
}

/** "14:02:08, movement, Entrance", or how many there were from when to when; exceptions before alarms. */
export function markWords({ from, to, cameras, causes, count, found = [] }, named = true) {
  const names = named ? facts.cameras.filter(({ id }) => cameras.includes(id)).map(({ name }) => name) : [];
  const more = names.length - MOST_NAMES;
  const where = more > 0 ? [...names.slice(0, MOST_NAMES), ngettext("{count} more camera", "{count} more cameras", more)] : names;
  const told = found.length ? [foundWords(found)] : [];
  if (!count) return [found.length > 1 ? `${clock(from)} – ${clock(to)}` : clock(Date.parse(found[0].at)), ...told, ...where].join(", ");
  const when = count > 1 ? `${clock(from)} – ${clock(to)}` : clock(from);
  const what = [...new Set(causes.map(causeWords))].join(", ");
  return [when, ...told, count > 1 ? ngettext("{count} alarm", "{count} alarms", count) : _("alarm"), what, ...where].filter(Boolean).join(", ");
}

/** Several marks as one. */
function together(marks) {
  const all = (name) => [...new Set(marks.flatMap((mark) => mark[name]))];
  const found = marks.flatMap((mark) => mark.found ?? []);
  return { ...marks[0], found, to: Math.max(...marks.map(({ to }) => to)), cameras: all("cameras"), causes: all("causes"), count: marks.reduce((sum, { count }) => sum + count, 0) };
}

/**
 * Links over the marks in `box`, as many as can be pointed at, and a line of words for the one pointed at or in focus.
 * One of them is reached by Tab, the others by the arrows. `link(mark)`: the element that goes there.
 */
export class MarkLinks {
  #box;
  #link;
  #named;
  #tip = el("div", { class: "marktip", "aria-hidden": "true" });
  #groups = [];

  constructor(box, link, named = true) {
    this.#box = box;
    this.#link = link;
    this.#named = named;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", _("Alarms and exceptions"));
    box.addEventListener("keydown", (event) => this.#turn(event));
    for (const type of ["pointerover", "focusin"]) box.addEventListener(type, ({ target }) => this.#tell(this.#groups.find(({ element }) => element === target)));
    for (const type of ["pointerleave", "focusout"]) box.addEventListener(type, () => this.#tell(null));
  }

  /** Lay links over `marks`; `place(at)` is where an instant lies, in pixels, between 0 and `width`. */
  draw(marks, place, width) {
    const groups = [];
    for (const mark of marks) {
      const [left, right] = [place(mark.from), place(mark.to)];
      if (right < 0 || left > width) continue;
      const last = groups.at(-1);
      if (last && left - last.left < LEAST_PX && Math.max(right, last.right) - last.left < 2 * LEAST_PX) {
        last.marks.push(mark);
        last.right = Math.max(last.right, right);
      } else {
        groups.push({ marks: [mark], left, right });
      }
    }
    const had = this.#groups.findIndex(({ element }) => element === document.activeElement);
    this.#groups = groups.map(({ marks: some, left, right }, number) => {
      const mark = together(some);
      const wide = Math.max(LEAST_PX, Math.min(width, right) - Math.max(0, left));
      const from = Math.min(Math.max(0, (Math.max(0, left) + Math.min(width, right) - wide) / 2), Math.max(0, width - wide));
      const element = this.#link(mark);
      element.classList.add("marklink");
      element.setAttribute("aria-label", markWords(mark, this.#named));
      element.tabIndex = number === Math.max(0, had) ? 0 : -1;
      Object.assign(element.style, { left: `${from}px`, width: `${wide}px` });
      return { mark, element, from, wide, left, right };
    });
    this.#box.replaceChildren(...this.#groups.map(({ element }) => element), this.#tip);
    this.#tell(null);
    if (had >= 0) this.#groups[Math.min(had, this.#groups.length - 1)]?.element.focus({ preventScroll: true });
  }

  /** The mark at `x`, its words shown; null, and no words, where there is none. */
  point(x) {
    const group = this.#groups.find(({ from, wide }) => x >= from && x <= from + wide) ?? null;
    this.#tell(group);
    return group;
  }

  #tell(group) {
    this.#tip.classList.toggle("shown", Boolean(group));
    if (!group) return;
    this.#tip.textContent = markWords(group.mark, this.#named);
    const half = this.#tip.offsetWidth / 2;
    const middle = group.from + group.wide / 2;
    this.#tip.style.left = `${Math.max(half, Math.min(this.#box.clientWidth - half, middle))}px`;
  }

  #turn(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    const place = this.#groups.findIndex(({ element }) => element === document.activeElement);
    if (!step || place < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = this.#groups[Math.min(this.#groups.length - 1, Math.max(0, place + step))];
    for (const { element } of this.#groups) element.tabIndex = element === next.element ? 0 : -1;
    next.element.focus();
  }
}

/** Where the first exception of a mark is replayed, or else its first alarm. */
export const replayOf = ({ camera, from, found = [] }) => (found.length ? wayTo(found[0]) : `/replay/${encodeURIComponent(camera)}?at=${(from / 1000).toFixed(3)}`);

/** Whether an alarm lies at an instant of the day, in words. */
export function alarmWordsAt(at, marks) {
  const found = marks.find(({ from, to }) => at >= from && at <= to);
  return found ? _("alarm: {causes}", { causes: [...new Set(found.causes.map(causeWords))].join(", ") }) : "";
}
