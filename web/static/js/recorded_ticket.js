// The ticket in step with the picture: what stood on the till's screen at that instant, its line of this second
// highlighted, those to come grey. The server's screens follow the same rules.

import { el, scrollWithin } from "./dom.js";
import { instantInPicture, instantOfLine, isStale, lineWords, settingsOf, ticketsBySource } from "./lines.js";
import { foot, head, lineItems } from "./ticket.js";
import { _ } from "./texts.js";
import { clock } from "./time.js";

const MARK_MS = 5000;
const ROUNDING_MS = 0.5; // so much a player may stand before the instant it was sent to

export class RecordedTicket {
  #element;
  #seek;
  #whole;
  #tills = []; // for each till its tickets, oldest first
  #at = NaN;
  #standing = null; // the lines known of the ticket on the screen
  #sale = null;
  #items = [];
  #current = -2;
  #hasTill;

  /** `seek(at)` is called for a line that is clicked; `whole(id, lines)` gives the sale of a ticket with all of its lines. */
  constructor(element, hasTill, seek, whole) {
    this.#element = element;
    this.#seek = seek;
    this.#whole = whole;
    this.#hasTill = hasTill;
    this.#empty();
  }

  /** The lines around the present place, oldest first. */
  setLines(lines) {
    this.#tills = [...ticketsBySource(lines).values()];
  }

  /** The till whose ticket stands there; "" without one. */
  get source() {
    return this.#sale?.lines[0].source ?? "";
  }

  /** Words on the line of this second, for who cannot see it. */
  wordsAt(at) {
    const line = this.#sale?.lines[this.#current];
    return line && at - instantInPicture(line) < MARK_MS ? lineWords(line) : "";
  }

  show(shownAt) {
    const at = shownAt + ROUNDING_MS;
    this.#at = at;
    const standing = this.#standingAt(at);
    if (standing !== this.#standing) this.#change(standing);
    if (this.#sale) this.#follow();
  }

  /** The lines of the ticket on the screen at `at`; of several tills that of the ticket that began last. Else null. */
  #standingAt(at) {
    let found = null;
    for (const own of this.#tills) {
      const ticket = own.findLast(([first]) => instantInPicture(first) <= at);
      if (!ticket || isStale(ticket.filter((line) => instantInPicture(line) <= at), at - settingsOf(ticket[0].source).offset_ms)) continue;
      if (!found || instantInPicture(ticket[0]) > instantInPicture(found[0])) found = ticket;
    }
    return found;
  }

  #change(standing) {
    this.#standing = standing;
    if (!standing) {
      this.#empty();
      return;
    }
    const last = standing[standing.length - 1];
    if (!this.#sale?.lines.some(({ id }) => id === last.id)) this.#draw({ lines: standing, ticket: null, tally: null });
    if (!last.ticket_id) return;
    this.#whole(last.ticket_id, standing).then((sale) => {
      if (this.#standing === standing) this.#draw(sale);
    }, () => {}); // what is known of it stands there
  }

  #follow() {
    const { lines } = this.#sale;
    const current = lines.findLastIndex((line) => instantInPicture(line) <= this.#at);
    const fresh = current >= 0 && this.#at - instantInPicture(lines[current]) < MARK_MS;
    this.#items.forEach((item, place) => {
      item.classList.toggle("next", place > current);
      item.classList.toggle("now", place === current && fresh);
    });
    if (current !== this.#current) {
      this.#current = current;
      scrollWithin(this.#element, this.#items[Math.max(0, current)]);
    }
  }

  #draw(sale) {
    if (sale === this.#sale) return;
    this.#sale = sale;
    this.#current = -2;
    this.#items = lineItems(sale, (line) => this.#seek(instantInPicture(line)));
    this.#element.replaceChildren(head(sale.lines, clock(instantOfLine(sale.lines[0]))), el("ol", { class: "tk-lines" }, this.#items), foot(sale));
    this.#follow();
  }

  #empty() {
    this.#sale = null;
    this.#items = [];
    const words = this.#hasTill ? _("No ticket near this time.") : _("No till is tied to this camera.");
    this.#element.replaceChildren(el("p", { class: "empty quiet" }, words));
  }
}
