// Sentences in the person's language. The English sentence is the key.

import { facts } from "./page.js";

const texts = facts.texts ?? {};

const PLURAL_FORM = {
  en: (n) => (n === 1 ? 0 : 1),
  fr: (n) => (n > 1 ? 1 : 0),
  ru: (n) => {
    if (n % 10 === 1 && n % 100 !== 11) return 0;
    return n % 10 >= 2 && n % 10 <= 4 && !(n % 100 >= 12 && n % 100 <= 14) ? 1 : 2;
  },
};

function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => values?.[name] ?? whole);
}

/** `sentence` in the person's language, its {places} filled from `values`. */
export function _(sentence, values) {
  const known = texts[sentence];
  return fill(typeof known === "string" ? known : sentence, values);
}

/** The form of the sentence that goes with `count`; {count} is filled too. */
export function ngettext(singular, plural, count, values) {
  const known = texts[singular];
  const form = (PLURAL_FORM[facts.language] ?? PLURAL_FORM.en)(count);
  const sentence = Array.isArray(known) ? known[Math.min(form, known.length - 1)] : count === 1 ? singular : plural;
  return fill(sentence, { count: figure(count), ...values });
}

/** A number with the language's own separators; `digits` after the point, else one at most. */
export function figure(value, digits = null) {
  return value.toLocaleString(facts.language, { minimumFractionDigits: digits ?? 0, maximumFractionDigits: digits ?? 1 });
}
