// The ticket in step with the picture: the line of this second is highlighted, those to come are grey.

import { el, scrollWithin } from "./dom.js";
import { instantOfLine, lineWords, ticketsBySource } from "./lines.js";
import { foot, head, lineItems } from "./ticket.js";
import { _ } from "./texts.js";
import { clock } from "./time.js";

const MARK_MS = 5000;
const EARLY_MS = 15000; // a ticket is shown grey this long before its first line

export class RecordedTicket {
  #element;
  #seek;
  #tickets = [];
  #shown = null;
  #items = [];
  #current = -2;
  #hasTill;

  constructor(element, hasTill, seek) {
    this.#element = element;
    this.#seek = seek;
    this.#hasTill = hasTill;
    this.#empty();
  }

  /** The lines around the present place, oldest first. */
  setLines(lines) {
    this.#tickets = [...ticketsBySource(lines).values()].flat();
    this.#shown = null;
  }

  /** Words on the line of this second, for who cannot see it. */
  wordsAt(at) {
    const line = this.#shown?.[this.#current];
    return line && at - instantOfLine(line) < MARK_MS ? lineWords(line) : "";
  }

  show(at) {
    const ticket = this.#ticketAt(at);
    if (ticket !== this.#shown) this.#draw(ticket);
    if (!ticket) return;
    let current = -1;
    ticket.forEach((line, place) => { if (instantOfLine(line) <= at) current = place; });
    const fresh = current >= 0 && at - instantOfLine(ticket[current]) < MARK_MS;
    this.#items.forEach((item, place) => {
      item.classList.toggle("next", place > current);
      item.classList.toggle("now", place === current && fresh);
    });
    if (current !== this.#current) {
      this.#current = current;
      scrollWithin(this.#element, this.#items[Math.max(0, current)]);
    }
  }

  #ticketAt(at) {
    let found = null;
    for (const ticket of this.#tickets) {
      const begins = instantOfLine(ticket[0]);
      if (begins > at) continue;
      if (!found || begins > instantOfLine(found[0])) found = ticket;
    }
    if (found && at - instantOfLine(found[found.length - 1]) < EARLY_MS) return found;
    const coming = this.#tickets.filter((ticket) => instantOfLine(ticket[0]) > at).sort((a, b) => instantOfLine(a[0]) - instantOfLine(b[0]))[0];
    return coming && instantOfLine(coming[0]) - at < EARLY_MS ? coming : found ?? coming ?? null;
  }

  #draw(ticket) {
    this.#shown = ticket;
    this.#current = -2;
    if (!ticket) {
      this.#empty();
      return;
    }
    this.#items = lineItems(ticket, (line) => this.#seek(instantOfLine(line)));
    this.#element.replaceChildren(head(ticket, clock(instantOfLine(ticket[0]))), el("ol", { class: "tk-lines" }, this.#items), foot(ticket));
  }

  #empty() {
    this.#items = [];
    const words = this.#hasTill ? _("No ticket near this time.") : _("No till is tied to this camera.");
    this.#element.replaceChildren(el("p", { class: "empty quiet" }, words));
  }
}
