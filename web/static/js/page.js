// What the server told this page when it drew it, and what the person's browser keeps.

const block = document.getElementById("facts");

/** Facts of this page: language, zone, csrf, texts, cameras, rights … (see `camtrace/web/pages.py`). */
export const facts = block ? JSON.parse(block.textContent) : {};

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** Whether the person has this right. */
export const may = (right) => (facts.rights ?? []).includes(right);

/** What this browser remembers under `key`, or `otherwise`. */
export function remembered(key, otherwise) {
  try {
    return localStorage.getItem(`camtrace.${key}`) ?? otherwise;
  } catch {
    return otherwise; // storage is switched off
  }
}

/** Keep `value` under `key` in this browser. */
export function remember(key, value) {
  try {
    localStorage.setItem(`camtrace.${key}`, value);
  } catch {
    // storage is switched off: the choice lasts as long as the page
  }
}
