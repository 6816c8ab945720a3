// A word after the person's own action: six seconds, longer under the pointer or the focus.

import { byId } from "./page.js";
import { el } from "./dom.js";

const LASTS_MS = 6000;

/** Tell `words` for a while, and return the box; `action` may be {words, run}, or {words, href} where it leads somewhere. */
export function toast(words, action, lasts = LASTS_MS) {
  const box = el("div", { class: "toast", role: "status" }, el("span", null, words));
  if (action?.href) box.append(el("a", { class: "btn sm", href: action.href }, action.words));
  else if (action) box.append(el("button", { class: "btn sm", type: "button", onclick: () => { box.remove(); action.run(); } }, action.words));
  let timer = 0;
  const leave = () => { timer = setTimeout(() => box.remove(), lasts); };
  const stay = () => clearTimeout(timer);
  for (const event of ["pointerenter", "focusin"]) box.addEventListener(event, stay);
  for (const event of ["pointerleave", "focusout"]) box.addEventListener(event, leave);
  byId("toasts")?.append(box);
  leave();
  return box;
}
