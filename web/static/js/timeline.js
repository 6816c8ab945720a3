// The timeline: the whole day in small, then the part shown with ruler, recordings, gaps, tickets, marks and the moment.
// Its grammar: recording is a low bar, no picture a hatched frame, a ticket a corner below the lane, an exception a
// diamond on that row, hollow once it is judged, the moment a flag.

import { MarkLinks, alarmWordsAt } from "./alarm_marks.js";
import { el, svg } from "./dom.js";
import { diamonds, foundWordsAt } from "./exception_marks.js";
import { _ } from "./texts.js";
import { clock, dayEnd, dayOf, dayStart, now, shortClock, wallInstant } from "./time.js";

const STEPS_S = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 10800, 21600];
const LEAST_S = 60;
const TALL = { mini: 5, flag: 38, ruler: 68, label: 79, lane: 96, tickets: 126, end: 140 };
const THIN_PX = 2;
const MERGE_PX = 3;
const DRAG_PX = 4;

/** Draws the line of `camera` into `element` (an `<svg>`), links to alarms into `links`. `listener` has `seek(at)`, `mark(at)`, `view(seconds)`. */
export class Timeline {
  #svg;
  #camera;
  #listener;
  #back = svg("g");
  #head = svg("g", { "aria-hidden": "true" });
  #day = "";
  #start = 0;
  #stop = 1;
  #view = { from: 0, seconds: 3600 };
  #at = 0;
  #spans = [];
  #gaps = [];
  #tickets = [];
  #alarms = [];
  #found = [];
  #links;
  #marks = [NaN, NaN];
  #describe = () => "";
  #following = true;

  constructor(element, links, camera, listener) {
    this.#svg = element;
    const goes = (mark) => el("button", { type: "button", onclick: () => this.#go(startOf(mark)) });
    this.#links = new MarkLinks(links, goes, false);
    this.#camera = camera;
    this.#listener = listener;
    element.replaceChildren(this.#back, this.#head);
    this.#listen();
    new ResizeObserver(() => this.#draw()).observe(element);
  }

  /** What lies on a day: spans and gaps as `Recordings.day` gives them, tickets as [from, to], alarms and exceptions as `MarkDays.day`. */
  setDay(day, { spans, gaps }, tickets, alarms, found = []) {
    this.#day = day;
    this.#start = dayStart(day);
    this.#stop = dayEnd(day);
    this.#spans = spans;
    this.#gaps = gaps;
    this.#tickets = tickets;
    this.#alarms = alarms;
    this.#found = found;
    this.#clamp();
    this.#draw();
  }

  /** `describe(at)` gives words on what lies at an instant, for who cannot see the line. */
  set describe(describe) {
    this.#describe = describe;
  }

  setMarks(from, to) {
    this.#marks = [from, to];
    this.#draw();
  }

  get seconds() {
    return this.#view.seconds;
  }

  /** Show `seconds` of the day around the moment, which keeps its place. */
  zoom(seconds, around = this.#at) {
    const whole = (this.#stop - this.#start) / 1000;
    const wanted = Math.min(whole, Math.max(LEAST_S, seconds));
    const share = Math.min(1, Math.max(0, (around - this.#view.from) / (this.#view.seconds * 1000)));
    this.#view = { seconds: wanted, from: around - share * wanted * 1000 };
    this.#clamp();
    this.#draw();
    this.#listener.view(wanted);
  }

  /** The moment now shown. */
  moment(at) {
    this.#at = at;
    if (dayOf(at) !== this.#day) return;
    const [from, to] = this.#ends;
    if (this.#following && (at < from || at > to)) {
      this.#view.from = at - this.#view.seconds * 500;
      this.#clamp();
      this.#draw();
    } else {
      this.#drawHead();
    }
    this.#svg.setAttribute("aria-valuenow", Math.round((at - this.#start) / 1000));
    this.#svg.setAttribute("aria-valuemax", Math.round((this.#stop - this.#start) / 1000));
    this.#svg.setAttribute("aria-valuetext", [clock(at), this.#describe(at)].filter(Boolean).join(", "));
  }

  get #ends() {
    return [this.#view.from, this.#view.from + this.#view.seconds * 1000];
  }

  #clamp() {
    const room = this.#view.seconds * 1000;
    this.#view.from = Math.max(this.#start, Math.min(this.#view.from, this.#stop - room));
  }

  get #width() {
    return this.#svg.clientWidth || 1000;
  }

  #x(at) {
    const [from, to] = this.#ends;
    return ((at - from) / (to - from)) * this.#width;
  }

  #dayX(at) {
    return ((at - this.#start) / (this.#stop - this.#start)) * this.#width;
  }

  #instant(x) {
    const [from, to] = this.#ends;
    return from + (x / this.#width) * (to - from);
  }

  // ── drawing ──

  #draw() {
    if (!this.#day) return;
    this.#back.replaceChildren(...this.#miniDay(), ...this.#ruler(), ...this.#lane(), ...this.#ticketRow(), ...this.#diamonds());
    const marks = [...this.#alarms, ...this.#found].sort((one, other) => one.from - other.from);
    this.#links.draw(marks, (at) => this.#x(at), this.#width);
    this.#drawHead();
  }

  #bar(kind, from, to, y, height, x, least = 0) {
    const left = Math.max(0, x(from));
    const right = Math.min(this.#width, x(to));
    if (right < 0 || left > this.#width || right < left) return null;
    return svg("rect", { class: kind, x: left.toFixed(1), width: Math.max(least, right - left).toFixed(1), y, height });
  }

  /** Alarms from `y` down; those closer together than can be seen are one bar. */
  #alarmBars(y, height, x) {
    const bars = [];
    let [from, to] = [NaN, NaN];
    for (const mark of this.#alarms) {
      if (x(mark.from) - x(to) < MERGE_PX) {
        to = Math.max(to, mark.to);
        continue;
      }
      if (!Number.isNaN(from)) bars.push([from, to]);
      [from, to] = [mark.from, mark.to];
    }
    if (!Number.isNaN(from)) bars.push([from, to]);
    return bars.map(([begin, end]) => this.#bar("m-alarm", begin, end, y, height, x, THIN_PX));
  }

  #miniDay() {
    const x = (at) => this.#dayX(at);
    const present = Math.min(now(), this.#stop);
    const parts = [svg("rect", { class: "m-trough", x: 0, width: this.#width, y: TALL.mini, height: 9 })];
    for (const [from, to] of this.#spans) parts.push(this.#bar("m-rec", from, to, TALL.mini + 4, 5, x, 1));
    parts.push(...this.#alarmBars(TALL.mini, 9, x));
    for (const [from, to] of this.#gaps) parts.push(this.#bar("m-gap", from, to, TALL.mini + 3, 6, x, THIN_PX));
    if (present < this.#stop) parts.push(svg("line", { class: "m-future", x1: x(present), x2: this.#width, y1: TALL.mini + 6, y2: TALL.mini + 6 }));
    const [from, to] = this.#ends;
    parts.push(svg("rect", { class: "m-window", x: Math.min(x(from), this.#width - 6), width: Math.max(6, x(to) - x(from)), y: 1, height: 17, rx: 2 }));
    const date = this.#day.split("-").map(Number);
    for (let hour = 0; hour <= 24; hour += 3) {
      const anchor = hour === 0 ? "start" : hour === 24 ? "end" : "middle";
      const place = hour === 24 ? this.#width : x(wallInstant(...date, hour, 0, 0)); // a day may have 23 or 25 hours
      parts.push(svg("text", { class: hour % 6 ? "x-hour x-odd" : "x-hour", x: place, y: 30, "text-anchor": anchor }, String(hour).padStart(2, "0")));
    }
    return parts.filter(Boolean);
  }

  #ruler() {
    const wanted = this.#view.seconds / Math.max(3, this.#width / 110);
    const step = STEPS_S.find((seconds) => seconds >= wanted) ?? STEPS_S[STEPS_S.length - 1];
    const parts = [];
    const [from, to] = this.#ends;
    const fine = (step * 1000) / 5;
    for (let at = this.#start + Math.ceil((from - this.#start) / fine) * fine; at <= to + 1; at += fine) {
      const strong = Math.round((at - this.#start) / fine) % 5 === 0;
      const x = this.#x(at);
      parts.push(svg("line", { class: strong ? "x-tick strong" : "x-tick", x1: x, x2: x, y1: strong ? 59 : 65, y2: TALL.ruler }));
      if (!strong) continue;
      const anchor = x < 20 ? "start" : x > this.#width - 20 ? "end" : "middle";
      parts.push(svg("text", { class: "x-hour strong", x, y: 56, "text-anchor": anchor }, step < 60 ? clock(at) : shortClock(at)));
    }
    return parts;
  }

  #lane() {
    const x = (at) => this.#x(at);
    const present = now();
    const number = this.#camera.removed ? "–" : String(this.#camera.id); // its number may be another camera's now
    const chip = 9 + number.length * 7;
    const parts = [
      svg("rect", { class: "x-chip", x: 0, y: TALL.label, width: chip, height: 14, rx: 2 }),
      svg("text", { class: "x-chipt", x: chip / 2, y: TALL.label + 11, "text-anchor": "middle" }, number),
      svg("text", { class: "x-lab", x: chip + 6, y: TALL.label + 11 }, this.#camera.name),
      svg("rect", { class: "m-trough", x: 0, width: this.#width, y: TALL.lane, height: 24 }),
    ];
    for (const [from, to] of this.#spans) parts.push(this.#bar("m-rec", from, to, TALL.lane + 14, 10, x, 1));
    parts.push(...this.#alarmBars(TALL.lane, 24, x));
    for (const [from, to] of this.#holes()) {
      parts.push(this.#bar("m-trough", from, to, TALL.lane, 24, x, THIN_PX), this.#bar("m-gap", from, to, TALL.lane, 24, x, THIN_PX));
      const frame = this.#bar("m-gapline", from, to, TALL.lane + 0.75, 22.5, x, THIN_PX);
      frame?.setAttribute("fill", "none");
      parts.push(frame);
    }
    parts.push(...this.#alarmBars(TALL.lane, 7, x)); // seen where there is no picture too
    const [, to] = this.#ends;
    if (present < to) {
      const future = Math.max(0, x(present));
      parts.push(svg("rect", { class: "m-panel", x: future, width: Math.max(0, this.#width - future), y: TALL.lane, height: 24 }));
      parts.push(svg("line", { class: "m-future", x1: future, x2: this.#width, y1: TALL.lane + 12, y2: TALL.lane + 12 }));
    }
    const [a, b] = this.#marks;
    if (!Number.isNaN(a) && !Number.isNaN(b)) parts.push(this.#bar("m-sel", a, b, TALL.ruler, TALL.end - TALL.ruler, x, THIN_PX));
    for (const mark of [a, b]) {
      if (!Number.isNaN(mark)) parts.push(svg("path", { class: "m-handle", d: mark === a ? flagPath(x(mark), -1) : flagPath(x(mark), 1) }));
    }
    return parts.filter(Boolean);
  }

  /** Known gaps, and time between two spans that no gap explains. */
  #holes() {
    const between = this.#spans.slice(1).map(([from], n) => [this.#spans[n][1], from]);
    return [...this.#gaps.map(([from, to]) => [from, to]), ...between];
  }

  #ticketRow() {
    const parts = [];
    let lastX = -Infinity;
    for (const [from, to] of this.#tickets) {
      const left = this.#x(from);
      if (left > this.#width || this.#x(to) < 0) continue;
      if (left - lastX < MERGE_PX) continue;
      const right = Math.max(left + 4, Math.min(this.#x(to), this.#width));
      lastX = right;
      const on = this.#at >= from && this.#at <= to ? " on" : "";
      const roof = Math.max(0, left); // its first line may lie outside
      parts.push(svg("rect", { class: `m-tick${on}`, x: roof, width: Math.max(2, right - roof - 1), y: TALL.tickets, height: 2 }));
      if (left >= 0) parts.push(svg("rect", { class: `m-tick${on}`, x: left, width: 1.5, y: TALL.tickets, height: 9 }));
    }
    return parts;
  }

  /** What rules found: on the row of the tickets, and in small on the whole day. */
  #diamonds() {
    return [...diamonds(this.#found, (at) => this.#dayX(at), this.#width, TALL.mini + 5), ...diamonds(this.#found, (at) => this.#x(at), this.#width, TALL.tickets + 5)];
  }

  /** Hide the hours on which the flag at `flag` would lie; none for NaN. */
  #makeRoom(flag) {
    for (const hour of this.#svg.querySelectorAll(".x-hour.strong")) {
      hour.classList.toggle("under", Math.abs(Number(hour.getAttribute("x")) - flag) < 38 + 3.5 * hour.textContent.length);
    }
  }

  #drawHead() {
    const x = this.#x(this.#at);
    if (x < -1 || x > this.#width + 1 || dayOf(this.#at) !== this.#day) {
      this.#head.replaceChildren();
      this.#makeRoom(NaN);
      return;
    }
    const flag = Math.min(Math.max(x, 34), this.#width - 34);
    this.#makeRoom(flag);
    this.#head.replaceChildren(
      svg("line", { class: "m-headglow", x1: x, x2: x, y1: 52, y2: TALL.end }),
      svg("line", { class: "m-head", x1: x, x2: x, y1: 52, y2: TALL.end }),
      svg("rect", { class: "m-flag", x: flag - 34, width: 68, y: TALL.flag, height: 18, rx: 2 }),
      svg("text", { class: "m-flagt", x: flag, y: TALL.flag + 13, "text-anchor": "middle" }, clock(this.#at)));
  }

  // ── hands ──

  #listen() {
    const element = this.#svg;
    let drag = null;
    element.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      element.setPointerCapture(event.pointerId);
      const { x, y } = this.#inside(event);
      drag = { x, y, from: this.#view.from, moved: false, mini: y < TALL.flag };
    });
    element.addEventListener("pointermove", (event) => {
      const { x, y } = this.#inside(event);
      if (!drag) this.#pointed(x, y);
      if (!drag) return;
      if (Math.abs(x - drag.x) > DRAG_PX) drag.moved = true;
      if (!drag.moved) return;
      const wholeShown = (this.#stop - this.#start) / this.#width;
      const perPixel = drag.mini ? -wholeShown : (this.#view.seconds * 1000) / this.#width;
      this.#following = false;
      this.#view.from = drag.from - (x - drag.x) * perPixel;
      this.#clamp();
      this.#draw();
    });
    element.addEventListener("pointerup", (event) => {
      const { x, y } = this.#inside(event);
      if (drag && !drag.moved) {
        const thin = this.#pointed(x, y);
        const at = drag.mini ? this.#start + (x / this.#width) * (this.#stop - this.#start) : thin ? startOf(thin.mark) : this.#instant(x);
        this.#go(at);
      }
      drag = null;
    });
    element.addEventListener("pointerleave", () => this.#links.point(NaN));
    element.addEventListener("pointercancel", () => { drag = null; });
    element.addEventListener("dblclick", (event) => {
      const { x, y } = this.#inside(event);
      if (y >= TALL.flag) this.#listener.mark(this.#instant(x));
    });
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(this.#view.seconds * (event.deltaY > 0 ? 1.3 : 1 / 1.3), this.#instant(this.#inside(event).x));
    }, { passive: false });
  }

  #go(at) {
    this.#following = true;
    this.#listener.seek(Math.min(at, now()));
  }

  /** Tell of the alarm or exception that is pointed at; returned where it is too thin to be hit by itself. */
  #pointed(x, y) {
    const group = this.#links.point(y >= TALL.lane && y <= TALL.end ? x : NaN);
    if (group && y > TALL.lane + 24 && !group.mark.found?.length) return this.#links.point(NaN); // the tickets' row has exceptions only
    return group && group.right - group.left < group.wide ? group : null;
  }

  #inside(event) {
    const box = this.#svg.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
}

/** Where a mark is watched: at its first exception, else where its first alarm begins. */
const startOf = ({ from, found }) => (found?.length ? Date.parse(found[0].picture_at) : from);

const flagPath = (x, side) => `M${x} ${TALL.ruler}v14l${side * 7} -5v-9z`;

/** What lies at an instant, in words for the slider. */
export function wordsAt(at, { spans, gaps }, alarms, found, lineWords) {
  return [foundWordsAt(at, found), alarmWordsAt(at, alarms), lineWords || pictureWords(at, spans, gaps)].filter(Boolean).join(", ");
}

function pictureWords(at, spans, gaps) {
  if (spans.some(([from, to]) => at >= from && at < to)) return _("recorded");
  return gaps.some(([from, to]) => at >= from && at < to) ? _("no picture") : _("nothing recorded");
}
