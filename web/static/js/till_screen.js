// What stands on the screen of each till that a camera watches: cleared at the next line after the end of a ticket.
// Only what is seen is drawn, once a frame at most, however many lines come.

import { askJson, query } from "./api.js";
import { el, icon, scrollWithin } from "./dom.js";
import { beginsTicket, isStale, lineWords, tillWords } from "./lines.js";
import { may } from "./page.js";
import { GrowingLines, GrowingTicket, saleOf } from "./ticket.js";
import { _ } from "./texts.js";
import { now } from "./time.js";
import { silentWords } from "./words.js";

const NOTHING = { lines: [], ticket: null, tally: null };
const MOST_LINES = 200; // of a screen, as on the server
const MOST_SPOKEN = 3; // lines read aloud at once; the newest
const SPEAK_MS = 1000;

/** Shows tickets in a column (`column`) and over the picture (`over`); `spoken` is what screen readers are told by. */
export class TillScreens {
  #column;
  #over;
  #spoken;
  #sources;
  #place = "off";
  #tills = new Map(); // source -> Till, in the order of `sources`
  #silent = new Map(); // source -> {since, beside, over}: what says so in both places, of a till that is silent though it should speak
  #dirty = new Set(); // tills of which something is to be drawn anew
  #waiting = 0;
  #unsaid = [];
  #empty = null;
  #seen = new WeakSet(); // elements of tills that lie within the window
  #looks = new IntersectionObserver((changes) => this.#look(changes));

  constructor({ column, over, spoken }, sources) {
    this.#column = column;
    this.#over = over;
    this.#spoken = spoken;
    this.#sources = sources;
    for (const source of sources) this.#till(source);
    setInterval(() => this.#tick(), SPEAK_MS);
    addEventListener("resize", () => this.resized());
  }

  /** Where the tickets are: "beside" the picture, "over" it, "off". What is elsewhere is not drawn. */
  set place(place) {
    this.#place = place;
    this.#column.replaceChildren();
    this.#over.replaceChildren();
    this.#empty = null;
    this.#drawAll();
  }

  /** The tills of the camera as they are now: one that is no more leaves the screen. Which are silent is told anew. */
  set sources(sources) {
    for (const [source, till] of this.#tills) {
      if (!sources.includes(source)) for (const element of till.elements) this.#looks.unobserve(element);
    }
    const before = this.#tills;
    this.#tills = new Map();
    for (const source of sources) this.#till(source, before.get(source));
    this.#dirty = new Set([...this.#dirty].filter((till) => this.#tills.get(till.source) === till));
    this.#sources = sources;
    this.#silent.clear();
    this.#empty = null;
    this.#drawSoon();
  }

  /** What tills or their lines are called is another. */
  settled() {
    for (const [source, { since }] of this.#silent) this.silence({ source, since });
    for (const till of this.#tills.values()) till.forget();
    this.#drawAll();
  }

  /** Lists have another size: their newest lines are to be brought into sight again. */
  resized() {
    this.#drawAll();
  }

  #drawAll() {
    for (const till of this.#tills.values()) {
      till.moved = true;
      this.#change(till);
    }
    this.#drawSoon();
  }

  /** What the server says stands on the screen of a source now. */
  screen({ source, lines, ticket, tally }) {
    const till = this.#till(source);
    const other = !till.told || till.sale.ticket?.id !== ticket?.id;
    till.told = true;
    const before = new Map(till.sale.lines.map((line) => [line.id, line]));
    if (lines.some(({ id, text, tender }) => before.has(id) && (before.get(id).text !== text || before.get(id).tender !== tender))) till.forget();
    till.sale = { lines, ticket, tally };
    if (other) till.previous = NOTHING; // tickets may have passed while the connection was broken
    this.#change(till);
    if (other) this.#lookBack(till);
  }

  /** A new line; one that belongs to another ticket than the one shown clears it first. */
  line({ line, ticket, tally }) {
    const till = this.#till(line.source);
    const { lines } = till.sale;
    if (lines.some((known) => known.id === line.id)) return; // told twice around a new connection
    if (beginsTicket(lines, line)) till.turn();
    till.sale = { lines: [...till.sale.lines, line].slice(-MOST_LINES), ticket, tally };
    this.#change(till);
    if (this.#place !== "off") this.#unsaid = [...this.#unsaid, line].slice(-MOST_SPOKEN);
  }

  /** A till is silent though it should speak; without `since` it is not any more. */
  silence({ source, since }) {
    const words = () => [icon("warn"), el("span", null, silentWords(tillWords(source), since))];
    if (since) this.#silent.set(source, { since, beside: el("p", { class: "silent", role: "status" }, words()), over: el("p", { class: "silent" }, words()) });
    else this.#silent.delete(source);
    this.#drawSoon();
  }

  #silences(place) {
    return [...this.#silent.values()].map((said) => said[place]);
  }

  #till(source, known = null) {
    if (!this.#tills.has(source)) {
      const till = known ?? new Till(source);
      this.#tills.set(source, till);
      if (!known) for (const element of till.elements) this.#looks.observe(element);
    }
    return this.#tills.get(source);
  }

  async #lookBack(till) {
    if (!may("lines")) return;
    try {
      const { items } = await askJson(`/tickets${query({ source: till.source, limit: 2 })}`);
      const before = items.find(({ id }) => till.sale.lines[0]?.ticket_id !== id);
      if (!before || till.previous.lines.length) return;
      till.previous = saleOf(await askJson(`/tickets/${before.id}`));
      this.#change(till);
    } catch {
      // the ticket before is a convenience: without it the present one still stands
    }
  }

  // ── drawing ──

  #change(till) {
    this.#dirty.add(till);
    this.#drawSoon();
  }

  #drawSoon() {
    this.#waiting ||= requestAnimationFrame(() => this.#draw()); // a page that nobody sees has no frames
  }

  #draw() {
    this.#waiting = 0;
    const dirty = [...this.#dirty].filter((till) => this.#place === "off" || till.isBare(this.#place) || this.#sees(till));
    for (const till of dirty) this.#dirty.delete(till);
    if (this.#place === "beside") this.#drawColumn(dirty);
    else if (this.#place === "over") this.#drawOver(dirty);
  }

  #sees(till) {
    return till.elements.some((element) => this.#seen.has(element));
  }

  #look(changes) {
    for (const { target, isIntersecting } of changes) this.#seen[isIntersecting ? "add" : "delete"](target);
    if (this.#dirty.size) this.#drawSoon();
  }

  #drawColumn(dirty) {
    const tills = [...this.#tills.values()];
    const shown = tills.filter(({ sale }) => sale.lines.length);
    const wanted = [...shown.map((till) => till.paper), ...tills.filter(({ previous }) => previous.lines.length).map((till) => till.paperBefore)];
    const grown = dirty.filter((till) => till.drawPaper());
    arrange(this.#column, [...this.#silences("beside"), ...(wanted.length ? wanted : [this.#nothingYet()])]);
    tellCount(this.#column, shown.length);
    const several = shown.length > 1;
    for (const { paperTicket } of grown) scrollWithin(several ? paperTicket.list : this.#column, paperTicket.newest);
  }

  #drawOver(dirty) {
    const shown = [...this.#tills.values()].filter(({ sale }) => sale.lines.length);
    const grown = dirty.filter((till) => till.drawVeil());
    arrange(this.#over, [...this.#silences("over"), ...shown.map((till) => till.veil)]);
    tellCount(this.#over, shown.length);
    for (const { veilLines } of grown) scrollWithin(veilLines.element, veilLines.newest);
  }

  #nothingYet() {
    const words = this.#sources.length
      ? [el("h2", null, _("No tickets yet")), el("p", null, _("Ring up one article to see it here."))]
      : [el("h2", null, _("No till here")), el("p", null, _("Tie a till to this camera, and its tickets are shown with the picture.")), may("settings") ? el("a", { class: "btn", href: "/capture" }, _("Connect a till")) : null].filter(Boolean);
    this.#empty ??= el("div", { class: "empty" }, words);
    return this.#empty;
  }

  #tick() {
    const instant = now();
    for (const till of this.#tills.values()) {
      if (isStale(till.sale.lines, instant)) {
        till.turn();
        this.#change(till);
      }
      if (this.#sees(till)) till.age(this.#place);
    }
    if (this.#unsaid.length && !document.hidden) {
      const several = this.#tills.size > 1;
      this.#spoken.textContent = this.#unsaid.map((line) => (several ? `${tillWords(line.source)}: ${lineWords(line)}` : lineWords(line))).join(", ");
      this.#unsaid = [];
    }
  }
}

/** One till: its sale and the one before, {lines, ticket, tally} each (see ticket.js), and how they are drawn. */
class Till {
  told = false;
  moved = false; // its lists may have lost their place
  sale = NOTHING;
  previous = NOTHING;
  paperTicket = new GrowingTicket(true);
  veilLines = new GrowingLines();
  veil;
  #before = new GrowingTicket(false);

  #name;

  constructor(source) {
    this.source = source;
    this.#name = el("b", { class: "tillname" }, tillWords(source));
    this.veil = el("div", { class: "till" }, this.#name, this.veilLines.element);
  }

  /** Wherever it is drawn. */
  get elements() {
    return [this.paper, this.paperBefore, this.veil];
  }

  /** Let it be drawn anew under the name it has now. */
  forget() {
    this.#name.textContent = tillWords(this.source);
    for (const drawn of [this.paperTicket, this.#before, this.veilLines]) drawn.forget();
  }

  get paper() {
    return this.paperTicket.element;
  }

  get paperBefore() {
    return this.#before.element;
  }

  /** The sale is over: it stands as the one before. */
  turn() {
    [this.sale, this.previous] = [NOTHING, this.sale];
    [this.paperTicket, this.#before] = [this.#before, this.paperTicket];
    this.paperTicket.open = true;
    this.#before.open = false;
  }

  /** Draw both as paper tickets; true when the newest line is to be brought into sight. */
  drawPaper() {
    if (this.previous.lines.length) this.#before.show(this.previous);
    return this.#follows(this.sale.lines.length > 0 && this.paperTicket.show(this.sale));
  }

  #follows(grown) {
    const moved = this.moved && this.sale.lines.length > 0;
    this.moved = false;
    return grown || moved;
  }

  /** Draw the sale over the picture; true as for `drawPaper`. */
  drawVeil() {
    const grown = this.veilLines.show(this.sale);
    this.veilLines.age();
    return this.#follows(grown);
  }

  /** Whether something of it was never drawn in this place. */
  isBare(place) {
    if (place === "over") return this.veilLines.newest === null;
    return (this.sale.lines.length > 0 && this.paperTicket.isBare) || (this.previous.lines.length > 0 && this.#before.isBare);
  }

  age(place) {
    if (place === "over") this.veilLines.age();
    else if (this.sale.lines.length) this.paperTicket.age();
    if (place === "beside" && this.previous.lines.length) this.#before.age();
  }
}

/** Let `box` hold exactly `wanted`, in this order; two that have changed places are exchanged, and nothing between them moves. */
function arrange(box, wanted) {
  wanted.forEach((element, place) => {
    const there = box.children[place];
    if (there === element) return;
    if (there && element.parentNode === box) {
      const mark = new Comment();
      element.replaceWith(mark);
      there.replaceWith(element);
      mark.replaceWith(there);
    } else box.insertBefore(element, there ?? null);
  });
  while (box.children.length > wanted.length) box.lastChild.remove();
}

/** How many tickets share the height of `box`. */
function tellCount(box, count) {
  box.classList.toggle("several", count > 1);
  box.classList.toggle("many", count > 2);
  box.style.setProperty("--tills", Math.max(1, count));
}
