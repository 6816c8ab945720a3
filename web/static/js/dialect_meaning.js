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

// of these, the article behind the first word is another one each time
const OPENING = ["ANNULE", "RETOUR", "OFFERT", "PERTE"];
const openingWord = (words) => {
  const [first, ...more] = words.trim().split(/\s+/);
  return more.length && /\p{L}{2}/u.test(first) ? `${first} *` : likeLine(words);
};

const NAMED = { ticket: /(?:tick|re[cç]|bon|trans|check|чек|n°|№|#)[^0-9]*$/i, source: /(?:cais|till|reg|pos|касс|term)[^0-9]*$/i };

/** Where the value of `part` stands in the line, as [start, end]; null where that is not to be seen. */
function placeOf(part, words) {
  if (part === "seller") {
    const found = words.match(/^(.*[:=]\s*)(\S+(?: \S+)*)/) ?? words.match(/^(\S+\s+)(\S+(?: \S+)*)/);
    return found && [found[1].length, found[1].length + found[2].length];
  }
  const numbers = [...words.matchAll(/[0-9][\w-]*/g)];
  const number = numbers.find(({ index }) => NAMED[part].test(words.slice(0, index))) ?? numbers[0];
  return number?.index ? [number.index, number.index + number[0].length] : null;
}

/** The line with the places of `parts` named, as `*TICKET N° {ticket}*`; "" where one is not to be found. */
function naming(parts, words) {
  const places = parts.map((part) => [part, placeOf(part, words)]);
  if (places.some(([, place]) => !place)) return "";
  places.sort(([, [one]], [, [other]]) => one - other);
  let pattern = "";
  let at = 0;
  for (const [part, [start, end]] of places) {
    if (start < at) return "";
    pattern += `${starred(words.slice(at, start).replace(at ? NUMBER : /^.*(?:\s{2,}|[0-9]\s+)/, "*"))}{${part}}`;
    at = end;
  }
  return at < words.length ? `${pattern}*` : pattern;
}

/**
 * What is set for `words` when somebody says `saying` of them: the list it goes to, its pattern, its meaning, and the
 * pattern among the `present` ones that it replaces. What several parts of one line tell is one pattern.
 */
export function said(saying, words, present) {
  if (PARTS[saying]) {
    const others = Object.keys(PARTS).filter((part) => part !== saying);
    const known = [others, ...others.map((part) => [part])].find((parts) => present.includes(naming(parts, words))) ?? [];
    return { list: "rules", pattern: naming([saying, ...known], words) || naming([saying], words), means: "N", instead: known.length ? naming(known, words) : "" };
  }
  const pattern = OPENING.includes(saying) ? openingWord(words) : likeLine(words);
  return LISTS[saying] ? { list: saying, pattern, means: "", instead: "" } : { list: "rules", pattern, means: saying, instead: "" };
}
