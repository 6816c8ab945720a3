// Single keys: they do nothing while a field has the focus, and can be switched off.

import { byId, remember, remembered } from "./page.js";
import { el } from "./dom.js";
import { _ } from "./texts.js";

const actions = new Map();
const listed = [];

function inField(target) {
  return target instanceof Element && Boolean(target.closest("input, select, textarea, [contenteditable]"));
}

function named(event) {
  if (event.key === " ") return "Space";
  const letter = /^Key([A-Z])$/.exec(event.code);
  if (letter && event.key.length === 1 && event.key > "\u007f") return letter[1]; // a Cyrillic keyboard: the key in the same place
  return event.shiftKey && event.key.length > 1 ? `Shift ${event.key}` : event.key.length === 1 ? event.key.toUpperCase() : event.key;
}

/** `keys` (an array of names as `KeyboardEvent.key`, letters in upper case, "Space") run `action`; `words` tell what it does. */
export function onKeys(keys, words, action) {
  for (const key of keys) actions.set(key, action);
  if (words) listed.push([keys, words]);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || inField(event.target)) return;
  if (document.querySelector("dialog[open]") || remembered("keys", "on") === "off") return;
  if ([" ", "Enter"].includes(event.key) && event.target instanceof Element && event.target.closest("button, a, summary")) return;
  const action = actions.get(named(event));
  if (!action) return;
  event.preventDefault();
  action(event);
});

const SHOWN = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", "Shift ArrowLeft": "⇧ ←", "Shift ArrowRight": "⇧ →", Space: _("Space") };

/** Open the list of this page's keys. */
export function showKeys() {
  const box = byId("keys");
  const rows = listed.map(([keys, words]) => el("tr", null, el("td", null, keys.map((key) => el("kbd", null, SHOWN[key] ?? key))), el("td", null, words)));
  const chosen = el("input", { type: "checkbox", onchange: () => remember("keys", chosen.checked ? "on" : "off") });
  chosen.checked = remembered("keys", "on") !== "off";
  const choice = el("tr", null, el("td", { colspan: "2" }, el("label", { class: "check" }, chosen, el("span", null, _("Use single keys")))));
  byId("keys-list").replaceChildren(...rows, choice);
  box.showModal();
}
