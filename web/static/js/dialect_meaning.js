// What somebody says of a line of a receipt, by pointing at it, as a pattern that fits this line and those like it.

import { _ } from "./texts.js";

const RULES = { A: () => _("an article"), T: () => _("the total, or a payment"), N: () => _("only to be shown"), ANNULE: () => _("an article cancelled"), RETOUR: () => _("an article taken back"), OFFERT: () => _("an article given away"), PERTE: () => _("an article lost"), D: () => _("the drawer opened") };
const LISTS = { start: () => _("the beginning of the ticket"), end: () => _("the end of the ticket"), cancel: () => _("the whole ticket cancelled"), ignore: () => _("to be left out") };
const PARTS = { ticket: () => _("the ticket's number"), seller: () => _("the seller's name"), source: () => _("the till's name") };

/** What can be said of a line: [value, words], in groups. */
export const sayings = () => [
  [_("It is"), Object.entries({ ...RULES, ...LISTS })],
  [_("It tells"), Object.entries(PARTS)],
].map(([words, entries]) => [words, entries.map(([value, said]) => [value, said()])]);

const NUMBER = /[0-9]+(?:[.,:/ -]?[0-9]+)*/g;
const starred = (text) => text.replace(/\s{2,}/g, "*").replace(/\*(?:\s*\*)+/g, "*");

/** The text of a line with `*` for its numbers: what is the same in all lines of its kind. */
export function likeLine(words) {
  const pattern = starred(words.replace(NUMBER, "*")).trim();
  return /[^*\s]/.test(pattern) ? pattern : "";
}

const NAMED = { ticket: /(?:tick|re[cç]|bon|trans|check|чек|n°|№|#)\D*$/i, source: /(?:cais|till|reg|pos|касс|term)\D*$/i };

/** The line with the place of `part` named, as `*TICKET N° {ticket}*`; "" where none is to be found. */
export function naming(part, words) {
  if (part === "seller") {
    const found = words.match(/^(.*?[:=]\s*)(\S.*)$/) ?? words.match(/^(\S+\s+)(\S.*)$/);
    return found ? `${starred(found[1].replace(NUMBER, "*"))}{seller}` : "";
  }
  const places = [...words.matchAll(/(\S[^0-9]*?)([0-9][\w-]*)/g)];
  const place = places.find(({ 1: before }) => NAMED[part].test(before)) ?? places[places.length - 1];
  if (!place) return "";
  const before = place[1].split(/\s{2,}/).pop();
  const starts = place.index + place[1].length - before.length;
  return `${starts > 0 ? "*" : ""}${before}{${part}}${starts + before.length + place[2].length < words.length ? "*" : ""}`;
}

/** What is set for `words` when somebody says `saying` of them: the list it goes to, its pattern, its meaning. */
export function said(saying, words) {
  if (PARTS[saying]) return { list: "rules", pattern: naming(saying, words), means: "N" };
  return LISTS[saying] ? { list: saying, pattern: likeLine(words), means: "" } : { list: "rules", pattern: likeLine(words), means: saying };
}
