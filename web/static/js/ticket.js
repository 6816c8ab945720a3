// A ticket drawn as the till prints it.

import { el } from "./dom.js";
import { amountWords, counts, endsTicket, instantOfLine, shown, sumWords, takenBack } from "./lines.js";
import { _, ngettext } from "./texts.js";
import { clock, lengthWords, now } from "./time.js";

/** One line as `<li>`. `article` is the line that a cancelling one takes back, `gone` whether it was taken back itself. */
export function lineItem(line, { article, gone = false, onclick } = {}) {
  const { quantity, text, amount, kind } = shown(line);
  const classes = { special: "void", sub: "sub", end: "sub end" }[kind] ?? (gone ? "gone" : "");
  const taken = article ? amountWords(article.amount, article) : "";
  const words = kind === "special" ? [line.special ? `${line.special} ` : "", el("s", null, text)] : [text];
  const cost = kind === "special" ? (amount || taken ? ["−", el("s", null, (amount || taken).replace(/^[-−]/, ""))] : []) : [amount];
  const item = el("li", { class: classes || null, "data-at": instantOfLine(line) },
    el("time", { datetime: line.received_at }, clock(instantOfLine(line))),
    el("span", { class: "q" }, quantity),
    el("span", { class: "d" }, words),
    el("span", { class: "a" }, cost));
  if (onclick) {
    item.tabIndex = 0;
    item.classList.add("goes");
    item.addEventListener("click", onclick);
    item.addEventListener("keydown", (event) => { if (event.key === "Enter") onclick(); });
  }
  return item;
}

/** The lines of one ticket as `<li>`s. `onclick(line)` makes them go somewhere. */
export function lineItems(lines, onclick) {
  const pairs = takenBack(lines);
  const gone = new Set(pairs.values());
  return lines.map((line) => lineItem(line, { article: pairs.get(line), gone: gone.has(line), onclick: onclick && (() => onclick(line)) }));
}

/** A ticket's head: till, number, cashier, and a word on its age. */
export function head(lines, aside) {
  const last = lines[lines.length - 1];
  const number = [...lines].reverse().find((line) => line.ticket && line.ticket !== "0")?.ticket ?? "";
  const seller = last.seller ? _("Cashier {name}", { name: last.seller }) : "";
  return el("header", { class: "tk-head" },
    el("b", null, _("TILL {source}", { source: last.source })), el("b", { class: "r" }, number),
    el("span", null, seller), el("span", { class: "r aside" }, aside));
}

/** A ticket's foot: the sum, how many lines, what was cancelled. */
export function foot(lines) {
  const last = lines[lines.length - 1];
  const { count, cancelled, cancelledAmount } = counts(lines);
  const words = endsTicket(last) ? (last.tender ? _("TOTAL · {tender}", { tender: last.tender }) : _("TOTAL")) : _("SUBTOTAL");
  const told = [ngettext("{count} article", "{count} articles", count)];
  if (cancelled) told.push(ngettext("{count} cancelled", "{count} cancelled", cancelled));
  const sum = sumWords(lines);
  return el("div", { class: "tk-total" },
    el("span", null, words), el("span", { class: "r t" }, sum),
    el("span", { class: "faint" }, told.join(", ")),
    el("span", { class: "r bad-c" }, cancelledAmount ? el("s", null, cancelledAmount) : ""));
}

/** "open 48 s" or the time of its last line. */
export function ageWords(lines) {
  const last = lines[lines.length - 1];
  if (endsTicket(last)) return clock(instantOfLine(last));
  return _("open {length}", { length: lengthWords(Math.max(0, now() - instantOfLine(lines[0]))) });
}

/** A whole ticket as an element. `open` draws the caret at the present second under the last line. */
export function ticketElement(lines, { open = false, label } = {}) {
  const list = el("ol", { class: "tk-lines" }, lineItems(lines));
  if (open) list.append(caretItem());
  return el("section", { class: "ticket torn", "aria-label": label }, head(lines, ageWords(lines)), list, foot(lines));
}

function caretItem() {
  return el("li", { class: "present", "aria-hidden": "true" },
    el("time", null, clock(now())), el("span", { class: "q" }), el("span", { class: "d" }, el("span", { class: "caret" })), el("span", { class: "a" }));
}

/** Bring the words that age (open since, the caret's second) up to the present. */
export function refreshAge(element, lines) {
  const aside = element.querySelector(".tk-head .aside");
  if (aside) aside.textContent = ageWords(lines);
  const present = element.querySelector(".present time");
  if (present) present.textContent = clock(now());
}
