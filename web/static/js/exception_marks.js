// Exceptions on a line of time: what rules found, as diamonds; and who looks at a live page is told of new ones.

import { askJson, query } from "./api.js";
import { deedWords } from "./deeds.js";
import { el, svg } from "./dom.js";
import { tillWords } from "./lines.js";
import { facts, may } from "./page.js";
import { _, figure, ngettext } from "./texts.js";
import { clock, iso, now } from "./time.js";
import { toast } from "./toast.js";

const PAGE = 1000;
const MOST_PAGES = 3;
const SHAPE = 5; // from the middle of a diamond to its corners
const MERGE_PX = 7;
const MOST_TOLD = 3; // of them beside each other
const TOLD_MS = 30000; // how long a new one stays in the corner
const AT_ONCE_MS = 1000; // clocks are not as exact, and the replay waits so long
const FETCHED_MS = 2000; // until a picture that was just taken can be replayed

/** An exception as a mark: at the instant at which the picture shows it. */
function markOf(one) {
  const at = Date.parse(one.picture_at);
  const camera = one.cameras.find((id) => facts.cameras.some((known) => known.id === id));
  return { from: at, to: at, camera: camera ?? null, cameras: one.cameras, causes: [], count: 0, found: [one] };
}

/** Marks between two instants, the first one first; none for who may not see exceptions. */
export async function exceptionMarks(start, stop, { camera = "" } = {}) {
  if (!may("exceptions")) return [];
  const found = [];
  let cursor = "";
  for (let page = 0; page < MOST_PAGES && cursor !== null; page += 1) {
    const answer = await askJson(`/exceptions${query({ camera, start: iso(start), stop: iso(stop), limit: PAGE, cursor })}`);
    found.push(...answer.items);
    cursor = answer.next;
  }
  return found.map(markOf).reverse().sort((one, other) => one.from - other.from);
}

/** A diamond around x, y in an `<svg>`; hollow where somebody has looked at the exception. `x` may be a percentage. */
export function diamond(x, y, seen) {
  const shape = svg("path", { class: seen ? "m-exc seen" : "m-exc", d: `M0 ${-SHAPE}L${SHAPE} 0L0 ${SHAPE}L${-SHAPE} 0z` });
  return svg("svg", { x, y, overflow: "visible" }, shape);
}

/** Diamonds for these marks; of those closer together than can be seen there is one, full while one of them is new. */
export function diamonds(marks, place, width, y) {
  const groups = [];
  for (const { from, found } of marks) {
    const x = place(from);
    if (x < -SHAPE || x > width + SHAPE) continue;
    const isNew = found.some(({ verdict }) => verdict === "new");
    const last = groups.at(-1);
    if (last && x - last.x < MERGE_PX) last.isNew ||= isNew;
    else groups.push({ x, isNew });
  }
  return groups.map(({ x, isNew }) => diamond(Math.min(Math.max(x, SHAPE), Math.max(SHAPE, width - SHAPE)), y, !isNew));
}

/** "Line cancelled over 20, TILL 7, cancelled line, 24.90", or how many there are, of which rules. */
export function foundWords(found) {
  if (found.length > 1) return [ngettext("{count} exception", "{count} exceptions", found.length), ...new Set(found.map(({ rule }) => rule))].slice(0, 4).join(", ");
  const [{ rule, source, deed, text, amount }] = found;
  return [rule, tillWords(source), text || deedWords(deed), Number(amount) ? figure(Number(amount), 2) : ""].filter(Boolean).join(", ");
}

/** Where an exception is watched: its second in the replay, else among the exceptions. */
export function wayTo(one) {
  const { camera, from } = markOf(one);
  return camera !== null && may("replay") ? `/replay/${camera}?at=${(from / 1000).toFixed(3)}` : "/exceptions";
}

/** The first exception at an instant of the day, in words; "" where there is none. */
export function foundWordsAt(at, marks, reach = 1000) {
  const mark = marks.find(({ from }) => Math.abs(at - from) < reach);
  return mark ? _("exception: {what}", { what: foundWords(mark.found) }) : "";
}

/** In how many milliseconds the picture of an exception can be watched: where the till's offset says that it comes later. */
export function pictureIn({ picture_at: shown }) {
  const left = Date.parse(shown) - now();
  return left > AT_ONCE_MS ? left + FETCHED_MS : 0;
}

/** Tell of one in the corner. Where its picture is still to come that is said, and the way there comes with it. */
function tell(one) {
  const way = wayTo(one);
  const waits = way === "/exceptions" ? 0 : pictureIn(one);
  const words = `${clock(Date.parse(one.at))} · ${foundWords([one])}`;
  const lead = { words: way === "/exceptions" ? _("Exceptions") : _("Watch"), href: way };
  if (!waits) return toast(words, lead, TOLD_MS);
  const box = toast(words, null, waits + TOLD_MS);
  const coming = el("span", { class: "coming" }, _("Its picture comes at {time}", { time: clock(Date.parse(one.picture_at)) }));
  box.append(coming);
  setTimeout(() => coming.replaceWith(el("a", { class: "btn sm", href: lead.href }, lead.words)), waits);
  return box;
}

/** Have the pages' marks drawn again when a rule is met, and tell who looks, if the rule says so. */
export function followExceptions(socket) {
  if (!may("exceptions")) return;
  let shown = [];
  let rest = null; // how many there are besides those shown, where many come at once
  let count = 0;
  socket.onException(({ exception }) => {
    document.dispatchEvent(new CustomEvent("exception"));
    if (!exception.popup) return;
    shown = shown.filter((box) => box.isConnected);
    if (shown.length < MOST_TOLD) {
      shown.push(tell(exception));
      return;
    }
    count = rest?.isConnected ? count + 1 : 1;
    rest?.remove();
    rest = toast(ngettext("{count} more exception", "{count} more exceptions", count), { words: _("Exceptions"), href: "/exceptions" }, TOLD_MS);
  });
}
