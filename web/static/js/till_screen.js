// What stands on the screen of each till that a camera watches: cleared at the next line after the end of a ticket.

import { askJson, query } from "./api.js";
import { el, icon, scrollWithin } from "./dom.js";
import { beginsTicket, instantOfLine, isOver, isStale, tillWords } from "./lines.js";
import { lineItems, refreshAge, saleOf, ticketElement } from "./ticket.js";
import { _ } from "./texts.js";
import { now } from "./time.js";
import { silentWords } from "./words.js";

const NOTHING = { lines: [], ticket: null, tally: null };
const MARK_MS = 4000; // for how long the newest line is the moment one looks at

/** Shows tickets in a column (`column`) and over the picture (`over`, an `<ol>`). */
export class TillScreens {
  #column;
  #over;
  #tills = new Map(); // source -> {sale, previous}: sales are {lines, ticket, tally}, see ticket.js
  #silent = new Map(); // source -> since when it is silent though it should speak
  #drawn = []; // [element, sale] of what ages
  #sources;

  constructor(column, over, sources) {
    this.#column = column;
    this.#over = over;
    this.#sources = sources;
    setInterval(() => this.#tick(), 1000);
    this.#draw();
  }

  /** What the server says stands on the screen of a source now. */
  screen({ source, lines, ticket, tally }) {
    const known = this.#tills.get(source);
    this.#tills.set(source, { sale: { lines, ticket, tally }, previous: known?.previous ?? NOTHING });
    this.#draw();
    if (!known) this.#lookBack(source);
  }

  /** A new line; one that belongs to another ticket than the one shown clears it first. */
  line({ line, ticket, tally }) {
    const { sale, previous } = this.#tills.get(line.source) ?? { sale: NOTHING, previous: NOTHING };
    if (sale.lines.some((known) => known.id === line.id)) return; // told twice around a new connection
    const next = beginsTicket(sale.lines, line);
    this.#tills.set(line.source, { sale: { lines: next ? [line] : [...sale.lines, line], ticket, tally }, previous: next ? sale : previous });
    this.#draw();
  }

  /** A till is silent though it should speak; without `since` it is not any more. */
  silence({ source, since }) {
    if (since) this.#silent.set(source, since);
    else this.#silent.delete(source);
    this.#draw();
  }

  async #lookBack(source) {
    try {
      const { items } = await askJson(`/tickets${query({ source, limit: 2 })}`);
      const till = this.#tills.get(source);
      const before = items.find(({ id }) => till.sale.lines[0]?.ticket_id !== id);
      if (!before || till.previous.lines.length) return;
      till.previous = saleOf(await askJson(`/tickets/${before.id}`));
      this.#draw();
    } catch {
      // the ticket before is a convenience: without it the present one still stands
    }
  }

  get #latestFirst() {
    const last = ({ sale: { lines } }) => (lines.length ? instantOfLine(lines[lines.length - 1]) : 0);
    return [...this.#tills.values()].filter(({ sale, previous }) => sale.lines.length || previous.lines.length).sort((a, b) => last(b) - last(a));
  }

  #draw() {
    const tills = this.#latestFirst;
    this.#drawn = [];
    if (!tills.length) {
      this.#column.replaceChildren(...this.#silences("p"), this.#nothingYet());
      this.#over.replaceChildren(...this.#silences("li"));
      return;
    }
    const parts = [];
    for (const { sale, previous } of tills) {
      for (const [own, label, open] of [[sale, _("Ticket"), true], [previous, _("Ticket before"), false]]) {
        if (!own.lines.length) continue;
        const element = ticketElement(own, { open: open && !isOver(own), label });
        if (open) element.setAttribute("aria-live", "polite");
        parts.push(element);
        this.#drawn.push([element, own]);
      }
    }
    this.#column.replaceChildren(...this.#silences("p"), ...parts);
    this.#over.replaceChildren(...this.#silences("li"), ...lineItems(tills[0].sale));
    this.#mark();
  }

  /** The tills that are silent, each in words. */
  #silences(tag) {
    return [...this.#silent].map(([source, since]) => el(tag, { class: "silent", role: tag === "p" ? "status" : null }, icon("warn"), el("span", null, silentWords(tillWords(source), since))));
  }

  #nothingYet() {
    const words = this.#sources.length
      ? [el("h2", null, _("No tickets yet")), el("p", null, _("Ring up one article to see it here."))]
      : [el("h2", null, _("No till here")), el("p", null, _("Give this camera the name its till sends, and tickets are shown with the picture."))];
    return el("div", { class: "empty" }, words);
  }

  #mark() {
    for (const list of [this.#column.querySelector(".ticket .tk-lines"), this.#over]) {
      const items = [...(list?.querySelectorAll("li[data-at]") ?? [])];
      items.forEach((item, place) => {
        const newest = place === items.length - 1 && now() - Number(item.dataset.at) < MARK_MS;
        item.classList.toggle("now", newest);
      });
      if (items.length) scrollWithin(list === this.#over ? list : this.#column, items[items.length - 1]);
    }
  }

  #tick() {
    for (const till of this.#tills.values()) {
      if (isStale(till.sale.lines, now())) {
        Object.assign(till, { previous: till.sale, sale: NOTHING });
        this.#draw();
      }
    }
    for (const [element, sale] of this.#drawn) refreshAge(element, sale);
    this.#mark();
  }
}
