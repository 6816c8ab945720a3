// A ticket drawn as the till prints it.

import { askJson, query } from "./api.js";
import { el, icon, show } from "./dom.js";
import { may } from "./page.js";
import { amountWords, answerWords, endsTicket, instantOfLine, isOver, isShown, isStruck, shown, specialAmount, specialWord, sumWords, ticketQuery, tillWords, totalWords, written } from "./lines.js";
import { _, ngettext } from "./texts.js";
import { clock, lengthWords, now } from "./time.js";

const MARK_MS = 4000; // for how long the newest line is the moment one looks at

/** One line as `<li>`, with its seller where that is not the ticket's own. `article` is the line that a cancelling one takes back, `gone` whether it was taken back itself, `attempt` the line it answers. */
export function lineItem(line, { article, gone = false, attempt, onclick } = {}) {
  const { quantity, text, amount, kind } = shown(line);
  const classes = { special: "void", sub: "sub", end: "sub end" }[kind] ?? (gone ? "gone" : "");
  const before = specialWord(line);
  const words = kind === "special" ? [before ? `${before} ` : "", isStruck(line) ? el("s", null, text) : text] : [text];
  words.push(otherSeller(line));
  if (line.follows) words.unshift(el("span", { class: "answers", title: answerWords(attempt) }, "↳ "));
  const cost = kind === "special" ? specialCost(line, article) : [amount];
  const item = el("li", { class: [classes, line.follows ? "answer" : ""].filter(Boolean).join(" ") || null, "data-at": instantOfLine(line), "data-id": line.id },
    el("time", { datetime: line.received_at }, clock(instantOfLine(line))),
    el("span", { class: "q" }, quantity),
    el("span", { class: "d" }, words),
    el("span", { class: "a" }, cost));
  if (attempt) pair(item, attempt.id);
  if (onclick) {
    item.classList.add("goes");
    item.replaceChildren(el("button", { type: "button", onclick }, ...item.childNodes));
  }
  return item;
}

/** The name of who said a line, where it is not the ticket's own cashier; null otherwise. */
export const otherSeller = (line) => (line.flags?.includes("other_seller") ? el("b", { class: "other", title: _("Not the cashier who began this ticket") }, line.seller) : null);

/** Pointing at an answer marks the attempt it answers. */
function pair(item, id) {
  const mark = (on) => item.parentElement?.querySelector(`[data-id="${id}"]`)?.classList.toggle("attempt", on);
  item.addEventListener("mouseenter", () => mark(true));
  item.addEventListener("mouseleave", () => mark(false));
  item.addEventListener("focusin", () => mark(true));
  item.addEventListener("focusout", () => mark(false));
}

/** The amount of a special line as nodes. */
export function specialCost(line, article) {
  const { sign, amount, struck } = specialAmount(line, article);
  return [sign, struck && amount ? el("s", null, amount) : amount];
}

/**
 * The lines of one ticket as `<li>`s. A sale is {lines, ticket, tally} as the server tells them; `ticket` and `tally` may
 * be null. `onclick(line)` makes lines go somewhere.
 */
export function lineItems({ lines, tally }, onclick) {
  const gone = new Set(Object.values(tally?.taken_back ?? {}).flat());
  const known = new Map(lines.map((line) => [line.id, line]));
  return lines.map((line) => lineItem(line, { article: articleOf(line, { lines, tally }, known), gone: gone.has(line.id), attempt: known.get(line.follows), onclick: onclick && (() => onclick(line)) }));
}

/** What `line` of a sale takes back, of several articles together: its amount, written as that of the latest in `known`. */
export function articleOf(line, { lines, tally }, known) {
  const [latest] = tally?.taken_back?.[line.id] ?? [];
  const amount = tally?.taken_amounts?.[line.id];
  return amount === undefined ? known.get(latest) : { ...(known.get(latest) ?? written(lines)), amount };
}

/** The answer of `GET /tickets/ID` as a sale. */
export const saleOf = ({ lines, tally, ...ticket }) => ({ lines: lines.filter(isShown), tally, ticket });

/** A ticket's head: till, number, cashier, and a word on its age. */
export function head(lines, aside) {
  const last = lines[lines.length - 1];
  const number = [...lines].reverse().find((line) => line.ticket && line.ticket !== "0")?.ticket ?? "";
  const seller = last.seller ? _("Cashier {name}", { name: last.seller }) : "";
  return el("header", { class: "tk-head" },
    el("b", null, tillWords(last.source)), el("b", { class: "r" }, number),
    el("span", null, seller), el("span", { class: "r aside" }, aside));
}

/** A ticket's foot: its total once it is paid, else what the lines come to; how many lines, what was taken back. */
export function foot(sale) {
  if (sale.ticket?.kind === "event") return el("div", { hidden: true }); // nothing is sold: a drawer, a door
  const last = sale.lines[sale.lines.length - 1];
  const total = totalWords(sale);
  const shownSum = total || sumWords(sale);
  const words = total && isOver(sale) ? (last.tender && endsTicket(last) ? _("TOTAL · {tender}", { tender: last.tender }) : _("TOTAL")) : shownSum || sale.tally?.articles ? _("SUBTOTAL") : "";
  const back = sale.ticket?.kind === "return" && /^[^-−]*[1-9]/.test(shownSum) ? "−" : ""; // what is paid back, as its lines say
  const cancelled = amountWords(sale.tally?.cancelled_amount, written(sale.lines));
  return el("div", { class: "tk-total" },
    el("span", null, words), el("span", { class: "r t" }, back, shownSum),
    el("span", { class: "faint" }, countWords(sale.tally, !total)),
    el("span", { class: "r bad-c" }, cancelled ? el("s", null, cancelled) : ""),
    sale.ticket?.linked ? tied(sale.ticket.linked) : null);
}

const tickets = new Map(); // id -> what is told of a tied ticket

/** The way to another source's ticket that belongs to this one. */
function tied(id) {
  const link = el("a", { class: "tied" }, icon("link"), el("span", null, _("Ticket of the pump")));
  const fill = ({ source, number, total }) => {
    link.lastChild.textContent = [tillWords(source), number, total ?? ""].filter(Boolean).join(" · ");
    if (may("lines")) link.href = `/log${query({ q: ticketQuery(source, number) })}`;
  };
  if (tickets.has(id)) fill(tickets.get(id));
  else askJson(`/tickets/${id}`).then((told) => { tickets.set(id, told); fill(told); }, () => {}); // its name is a convenience
  return link;
}

/** "3 articles, 1 cancelled, 1 returned"; why there is no sum, where it is `needed`. */
function countWords(tally, needed) {
  if (!tally) return "";
  const told = [];
  if (tally.articles || !tally.returned) told.push(ngettext("{count} article", "{count} articles", tally.articles));
  if (tally.cancelled) told.push(ngettext("{count} cancelled", "{count} cancelled", tally.cancelled));
  if (tally.returned) told.push(ngettext("{count} returned", "{count} returned", tally.returned));
  if (tally.offered) told.push(ngettext("{count} offered", "{count} offered", tally.offered));
  if (tally.lost) told.push(ngettext("{count} lost", "{count} lost", tally.lost));
  if (tally.other) told.push(ngettext("{count} other red line", "{count} other red lines", tally.other));
  if (needed && !tally.whole) told.push(_("the beginning is missing"));
  else if (needed && tally.sum === null && told.length > 1) told.push(_("an amount is missing"));
  return told.join(", ");
}

/** "open 48 s" or the time of its last line. */
function ageWords(sale) {
  const { lines } = sale;
  if (isOver(sale)) return clock(instantOfLine(lines[lines.length - 1]));
  return _("open {length}", { length: lengthWords(Math.max(0, now() - instantOfLine(lines[0]))) });
}

/** The lines of a sale as an `<ol>` that grows: what stands there already is not drawn again. */
export class GrowingLines {
  element = el("ol", { class: "tk-lines" });
  #items = new Map(); // id -> <li>, oldest first
  #lit = null;
  #caret = el("li", { class: "present", "aria-hidden": "true", hidden: true },
    el("time"), el("span", { class: "q" }), el("span", { class: "d" }, el("span", { class: "caret" })), el("span", { class: "a" }));

  constructor() {
    this.element.append(this.#caret);
  }

  /** Show the lines of `sale`; `open` draws the caret under the last one. True when a line is new. */
  show({ lines, tally }, open = false) {
    for (const [id, item] of this.#items) {
      if (id === lines[0]?.id) break;
      this.#items.delete(id);
      item.remove();
    }
    const taken = tally?.taken_back ?? {};
    const known = new Map(lines.map((line) => [line.id, line]));
    const fresh = lines.filter(({ id }) => !this.#items.has(id));
    for (const line of fresh) {
      const item = lineItem(line, { article: articleOf(line, { lines, tally }, known), attempt: known.get(line.follows) });
      this.#items.set(line.id, item);
      this.#caret.before(item);
      for (const id of taken[line.id] ?? []) this.#items.get(id)?.classList.add("gone");
    }
    show(this.#caret, open);
    return fresh.length > 0;
  }

  /** Let every line be drawn anew: what they are called is another. */
  forget() {
    for (const item of this.#items.values()) item.remove();
    this.#items.clear();
  }

  /** The newest line's `<li>`, or null. */
  get newest() {
    return this.#caret.previousElementSibling;
  }

  /** Highlight the newest line for as long as it is one of the present. */
  age() {
    const { newest } = this;
    const lit = newest && now() - Number(newest.dataset.at) < MARK_MS ? newest : null;
    if (lit !== this.#lit) {
      this.#lit?.classList.remove("now");
      lit?.classList.add("now");
      this.#lit = lit;
    }
    if (!this.#caret.hidden) this.#caret.firstChild.textContent = clock(now());
  }
}

/** A whole ticket as an element that grows line by line. */
export class GrowingTicket {
  #lines = new GrowingLines();
  #head = el("header");
  #foot = el("div");
  #sale = null;
  #open;
  element;

  /** `open`: the present ticket of its till, whose next line is awaited; else one that stands to be read. */
  constructor(open) {
    this.element = el("section", { class: "ticket torn" }, this.#head, this.#lines.element, this.#foot);
    this.open = open;
  }

  set open(open) {
    this.#open = open;
    this.#sale = null;
    this.element.setAttribute("aria-label", open ? _("Ticket") : _("Ticket before"));
  }

  /** Show `sale`; true when a line is new. */
  show(sale) {
    if (sale === this.#sale) return false;
    this.#sale = sale;
    const grown = this.#lines.show(sale, this.#open && !isOver(sale));
    const [top, bottom] = [head(sale.lines, ageWords(sale)), foot(sale)];
    this.#head.replaceWith(top);
    this.#foot.replaceWith(bottom);
    [this.#head, this.#foot] = [top, bottom];
    this.#lines.age();
    return grown;
  }

  /** Let it be drawn anew: what its till or its lines are called is another. */
  forget() {
    this.#sale = null;
    this.#lines.forget();
  }

  get newest() {
    return this.#lines.newest;
  }

  /** Whether nothing was ever drawn on it. */
  get isBare() {
    return this.newest === null;
  }

  /** Where the lines are, which may have to scroll. */
  get list() {
    return this.#lines.element;
  }

  /** Bring what ages up to the present: open since when, the caret's second, the highlight. */
  age() {
    if (!this.#sale) return;
    this.#head.querySelector(".aside").textContent = ageWords(this.#sale);
    this.#lines.age();
  }
}
