// The tickets in step with the picture: what stood on each till's screen at that instant, its line of this second
// highlighted, those to come grey. The server's screens follow the same rules.

import { arrange, el, scrollWithin } from "./dom.js";
import { erasedWords } from "./kept.js";
import { instantInPicture, instantOfLine, isStale, lineWords, settingsOf, ticketsBySource } from "./lines.js";
import { foot, head, lineItems } from "./ticket.js";
import { _ } from "./texts.js";
import { clock } from "./time.js";

const MARK_MS = 5000;
const ROUNDING_MS = 0.5; // so much a player may stand before the instant it was sent to

export class RecordedTicket {
  #element;
  #whole;
  #seek;
  #words = el("p", { class: "empty quiet" });
  #tills = new Map(); // source -> its tickets, oldest first
  #standing = new Map(); // source -> Standing, of those that have a ticket on the screen
  #shown = null; // what the element holds
  #hasTill = false;

  /** `seek(at)` is called for a line that is clicked; `whole(id, lines)` gives the sale of a ticket with all of its lines. */
  constructor(element, hasTill, seek, whole) {
    this.#element = element;
    this.#seek = seek;
    this.#whole = whole;
    this.hasTill = hasTill;
    this.#arrange([]);
  }

  /** Whether the camera watches a till. */
  set hasTill(hasTill) {
    this.#hasTill = hasTill;
    this.#tell(NaN);
  }

  /** What stands there where no ticket does. */
  #tell(at) {
    const words = this.#hasTill ? erasedWords("lines", at) || _("No ticket near this time.") : _("No till is tied to this camera.");
    if (this.#words.textContent !== words) this.#words.textContent = words;
  }

  /** What tills or their lines are called, or how their pictures lag, is another. */
  settled() {
    this.#standing.clear();
  }

  /** The lines around the present place, oldest first. */
  setLines(lines) {
    this.#tills = new Map([...ticketsBySource(lines)].sort(([a], [b]) => a.localeCompare(b, undefined, { numeric: true })));
  }

  /** The till that spoke last at the present place; "" without a ticket. */
  get source() {
    return this.#latest?.source ?? "";
  }

  /** Words on the line of this second, for who cannot see it. */
  wordsAt(at) {
    const line = this.#latest?.line;
    return line && at - instantInPicture(line) < MARK_MS ? lineWords(line) : "";
  }

  show(shownAt) {
    const at = shownAt + ROUNDING_MS;
    this.#tell(at);
    for (const [source, tickets] of this.#tills) {
      const lines = standingAt(tickets, at);
      if (!lines) {
        this.#standing.delete(source);
        continue;
      }
      if (!this.#standing.has(source)) this.#standing.set(source, new Standing(source, this.#seek, this.#whole));
      this.#standing.get(source).show(lines, at);
    }
    for (const source of this.#standing.keys()) if (!this.#tills.has(source)) this.#standing.delete(source);
    const shown = [...this.#tills.keys()].map((source) => this.#standing.get(source)).filter(Boolean);
    this.#arrange(shown);
    for (const standing of shown) standing.follow(shown.length > 1 ? standing.list : this.#element);
  }

  get #latest() {
    let found = null;
    for (const standing of this.#standing.values()) if (!found || standing.spokeAt > found.spokeAt) found = standing;
    return found;
  }

  #arrange(shown) {
    const elements = shown.length ? shown.map(({ element }) => element) : [this.#words];
    if (this.#shown?.length === elements.length && elements.every((element, place) => element === this.#shown[place])) return;
    this.#shown = elements;
    arrange(this.#element, elements);
    this.#element.classList.toggle("several", shown.length > 1);
  }
}

/** The lines of the ticket on the screen at `at`, of a till with these tickets, else null. */
function standingAt(tickets, at) {
  const ticket = tickets.findLast(([first]) => instantInPicture(first) <= at);
  const stale = !ticket || isStale(ticket.filter((line) => instantInPicture(line) <= at), at - settingsOf(ticket[0].source).offset_ms);
  return stale ? null : ticket;
}

/** The ticket of one till that stands on its screen. */
class Standing {
  source;
  element = el("div", { class: "standing" });
  list = el("ol", { class: "tk-lines" });
  #seek;
  #whole;
  #at = NaN;
  #lines = null; // those known of the ticket
  #sale = null;
  #items = [];
  #markup = new Map(); // item -> as it was drawn
  #current = -2;
  #lit = null;

  constructor(source, seek, whole) {
    this.source = source;
    this.#seek = seek;
    this.#whole = whole;
  }

  /** The line of this instant, drawn already or not. */
  get line() {
    return this.#lines?.findLast((line) => instantInPicture(line) <= this.#at);
  }

  /** When it spoke last. */
  get spokeAt() {
    return this.line ? instantInPicture(this.line) : -Infinity;
  }

  /** Show the ticket of which these `lines` are known, as it stood at `at`. */
  show(lines, at) {
    this.#at = at;
    if (lines === this.#lines) return;
    this.#lines = lines;
    const last = lines[lines.length - 1];
    if (!this.#sale?.lines.some(({ id }) => id === last.id)) this.#draw({ lines, ticket: null, tally: null });
    if (!last.ticket_id) return;
    this.#whole(last.ticket_id, lines).then((sale) => {
      if (this.#lines === lines) this.#draw(sale);
    }, () => {}); // what is known of it stands there
  }

  /** Mark the line of this instant and bring it into sight within `box`. */
  follow(box) {
    const { lines } = this.#sale;
    const current = lines.findLastIndex((line) => instantInPicture(line) <= this.#at);
    const lit = current >= 0 && this.#at - instantInPicture(lines[current]) < MARK_MS ? this.#items[current] : null;
    if (lit !== this.#lit) {
      this.#lit?.classList.remove("now");
      lit?.classList.add("now");
      this.#lit = lit;
    }
    if (current === this.#current) return;
    this.#current = current;
    this.#items.forEach((item, place) => item.classList.toggle("next", place > current));
    scrollWithin(box, this.#items[Math.max(0, current)]);
  }

  #draw(sale) {
    if (sale === this.#sale) return;
    this.#sale = sale;
    this.#current = -2;
    const known = new Map(this.#items.map((item) => [item.dataset.id, item]));
    const markup = new Map();
    this.#items = lineItems(sale, (line) => this.#seek(instantInPicture(line))).map((fresh) => {
      const old = known.get(fresh.dataset.id);
      const item = old && this.#markup.get(old) === fresh.outerHTML ? old : fresh;
      markup.set(item, fresh.outerHTML);
      return item;
    });
    this.#markup = markup;
    arrange(this.list, this.#items);
    arrange(this.element, [head(sale.lines, clock(instantOfLine(sale.lines[0]))), this.list, foot(sale)]);
  }
}
