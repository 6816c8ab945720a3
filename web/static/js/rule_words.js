// A rule as a sentence with slots. Where each slot stands is in the translation of the sentence, not here.

import { deedClause, deedWords } from "./deeds.js";
import { sourceName } from "./lines.js";
import { facts } from "./page.js";
import { _, figure } from "./texts.js";

const lists = { or: new Intl.ListFormat(facts.language, { type: "disjunction" }), and: new Intl.ListFormat(facts.language, { type: "conjunction" }) };
const either = (words) => lists.or.format(words);
const deedList = (deeds) => either(deeds.map((deed) => _("“{words}”", { words: deedWords(deed) })));

/** A duration: "90 s", "10 min", "4 h". */
export function spanWords(seconds) {
  const value = Number(seconds);
  if (value && value % 3600 === 0) return _("{count} h", { count: figure(value / 3600) });
  return value && value % 60 === 0 ? _("{count} min", { count: figure(value / 60) }) : _("{count} s", { count: Number.isNaN(value) ? String(seconds) : figure(value) });
}

const isSet = (value) => value !== null && value !== "";
const sign = (value) => (/^\d+(\.\d+)?$/.test(String(value)) ? Number(value).toLocaleString(facts.language, { minimumFractionDigits: String(value).split(".")[1]?.length ?? 0 }) : String(value));

/** "20 or more", "5 at most", "5 to 20"; "" where neither is given. */
function bounds(low, high, words = sign) {
  if (isSet(low) && isSet(high)) return _("{low} to {high}", { low: words(low), high: words(high) });
  if (isSet(low)) return _("{low} or more", { low: words(low) });
  return isSet(high) ? _("{high} at most", { high: words(high) }) : "";
}

function figures({ price_min, price_max, quantity_min, quantity_max, discount_min, discount_max, discount_percent }) {
  const [price, quantity, discount] = [bounds(price_min, price_max), bounds(quantity_min, quantity_max), bounds(discount_min, discount_max)];
  return [
    price && _(", at {bounds} for a piece", { bounds: price }),
    quantity && _(", {bounds} pieces", { bounds: quantity }),
    discount && _(", with {bounds} off", { bounds: discount }),
    isSet(discount_percent) && _(", with {percent} % off or more", { percent: sign(discount_percent) }),
  ].filter(Boolean).join("");
}

function hours({ calendar, outside }) {
  if (calendar === "never" && outside) return _(", at any hour");
  if (outside) return _(", outside “{calendar}”", { calendar });
  return calendar === "always" ? "" : _(", during “{calendar}”", { calendar });
}

function still({ seconds, zone, camera }) {
  if (!Number(seconds)) return "";
  const words = { span: spanWords(seconds), zone, camera };
  if (camera === 0) return _(", with nothing moving before a camera that was removed, for {span}", words);
  if (camera !== null) return zone ? _(", with nothing moving in “{zone}” of camera {camera} for {span}", words) : _(", with nothing moving before camera {camera} for {span}", words);
  return zone ? _(", with nothing moving in “{zone}” for {span}", words) : _(", with nothing moving there for {span}", words);
}

// what a ticket may be like, each by itself
const TICKET = {
  has: ({ ticket }) => ticket.has.length && _("has {deeds}", { deeds: deedList(ticket.has) }),
  also: ({ ticket }) => ticket.also.length && _("has as well {deeds}", { deeds: deedList(ticket.also) }),
  lacks: ({ ticket }) => ticket.lacks.length && _("has no {deeds}", { deeds: deedList(ticket.lacks) }),
  total: ({ ticket }) => { const words = bounds(ticket.total_min, ticket.total_max); return words && _("comes to {bounds}", { bounds: words }); },
  size: ({ ticket }) => { const words = bounds(ticket.lines_min, ticket.lines_max, String); return words && _("has {bounds} lines", { bounds: words }); },
  lasts: ({ ticket }) => { const words = bounds(ticket.seconds_min, ticket.seconds_max, spanWords); return words && _("takes {bounds}", { bounds: words }); },
  pause: ({ ticket }) => isSet(ticket.pause_min) && _("stands still for {span} or more", { span: spanWords(ticket.pause_min) }),
  voids: ({ ticket }) => isSet(ticket.voids_percent) && _("has {percent} % of its articles cancelled", { percent: ticket.voids_percent }),
  change: ({ ticket }) => isSet(ticket.change_off) && _("gives change that is wrong by {amount} or more", { amount: sign(ticket.change_off) }),
  unfinished: ({ ticket }) => ticket.unfinished && _("is never ended"),
};

const FIGURES = {
  count: (n) => _("{n} times or more", { n }),
  sum: (n) => _("for {n} or more in all", { n }),
  ratio: (n, window) => _("{n} times or more to a hundred of these: {deeds}", { n, deeds: deedList(window.among) }),
  tickets: (n) => _("on {n} tickets or more", { n }),
  tills: (n) => _("at {n} tills or more", { n }),
};
const PERS = { seller: () => _("with one cashier"), source: () => _("at one till"), card: () => _("with one card"), all: () => _("in the whole shop") };

// slots by name: the words for a rule, "" where it is not asked
const WORDS = {
  deeds: ({ lines }) => {
    const others = [...lines.types, ...lines.specials];
    const words = lines.deeds.length ? either(lines.deeds.map(deedClause)) : others.length ? _("a line comes") : _("anything is said");
    return others.length ? _("{words} ({kinds})", { words, kinds: others.join(", ") }) : words;
  },
  articles: ({ lines }) => lines.articles.length && _(" – {articles} –", { articles: either(lines.articles.map((words) => _("“{words}”", { words }))) }),
  amount: ({ lines }) => { const words = bounds(lines.amount_min, lines.amount_max); return words && _(" for {bounds}", { bounds: words }); },
  figures: ({ lines }) => figures(lines),
  stage: ({ lines }) => lines.paying && _(", once the payment has begun"),
  sellers: ({ lines }) => (lines.sellers.length ? _("cashier {names}", { names: either(lines.sellers) }) : _("any cashier")),
  sources: ({ lines }) => (lines.sources.length ? _("till {names}", { names: either(lines.sources.map(sourceName)) }) : _("any till")),
  hours: ({ lines }) => hours(lines),
  still: (rule) => still(rule.still),
  ...TICKET,
  silence: ({ ticket }) => (ticket.unfinished || Number(ticket.silence_seconds) !== 1800) && _(" One without an end is over after {span} of silence.", { span: spanWords(ticket.silence_seconds) }),
  figure: ({ window }) => FIGURES[window.measure](sign(window.at_least), window),
  span: ({ window }) => spanWords(window.seconds),
  per: ({ window }) => PERS[window.per](),
  absent: ({ absence }) => (absence.deeds.length ? _("none of these comes ({deeds})", { deeds: deedList(absence.deeds) }) : _("nothing else comes")),
  within: ({ absence }) => (absence.when === "after" ? _("{span} after it", { span: spanWords(absence.seconds) }) : _("{span} before it", { span: spanWords(absence.seconds) })),
  number: ({ number }) => (number.looks_for === "gap" ? _("ticket numbers are missing, {most} at most", { most: figure(Number(number.most) || 0) }) : _("a ticket number comes again")),
};

const LINE = ["deeds", "articles", "amount", "figures", "stage", "sellers", "sources", "hours", "still"];
const SENTENCES = {
  line: [LINE, (slots) => _("Tell me when {deeds}{articles}{amount}{figures}, by {sellers}, at {sources}{hours}{stage}{still}.", slots)],
  ticket: [[...Object.keys(TICKET), "sellers", "sources", "hours", "silence"], (slots) => _("Tell me when a ticket {ticket}, by {sellers}, at {sources}{hours}.{silence}", slots)],
  window: [[...LINE, "figure", "span", "per"], (slots) => _("Tell me when, within {span} and {per}, it happens {figure} that {deeds}{articles}{amount}{figures}, by {sellers}, at {sources}{hours}{stage}{still}.", slots)],
  absence: [[...LINE, "absent", "within"], (slots) => _("Tell me when {deeds}{articles}{amount}{figures}, by {sellers}, at {sources}{hours}{stage}{still}, and {absent} within {within}.", slots)],
  number: [["number", "sellers", "sources", "hours"], (slots) => _("Tell me when {number}, by {sellers}, at {sources}{hours}.", slots)],
};

/** The slots of a rule in their order: [{name, words}], where `words` is "" for a condition that is not asked. */
export const slotsOf = (rule) => SENTENCES[rule.kind][0].map((name) => ({ name, words: WORDS[name](rule) || "" }));

/** The sentence of `rule` as pieces: texts, and what `slot(name, words)` gives for each slot that says something. */
export function sentencePieces(rule, slot) {
  const slots = slotsOf(rule);
  const pieces = [];
  const mark = (name) => `\u0001${name}\u0002`;
  const said = Object.fromEntries(slots.map(({ name, words }) => [name, words ? mark(name) : ""]));
  if (rule.kind === "ticket") {
    const like = Object.keys(TICKET).filter((name) => said[name]);
    said.ticket = like.length ? lists.and.format(like.map(mark)) : _("is as said here");
  }
  const byName = Object.fromEntries(slots.map(({ name, words }) => [name, words]));
  for (const [place, part] of SENTENCES[rule.kind][1](said).split(/[\u0001\u0002]/).entries()) {
    if (place % 2 === 0) {
      if (part) pieces.push(part);
    } else {
      const [, before, words] = /^([,\s]*)(.*)$/s.exec(byName[part]); // the comma before a slot belongs to the sentence
      if (before) pieces.push(before);
      pieces.push(slot(part, words));
    }
  }
  return pieces;
}

/** The sentence of `rule` as text. */
export const sentenceOf = (rule) => sentencePieces(rule, (_name, words) => words).join("");
