// What is wrong with a field, told below it, and counted where its form counts.

import { el, icon, show } from "./dom.js";
import { ngettext } from "./texts.js";

/** Tell `words` below `field`, or nothing any more. A form counts its faults in an element of class `counted`. */
export function tellFault(field, words) {
  const box = field.closest(".field");
  box.querySelector(".msg")?.remove();
  box.classList.toggle("bad", words !== "");
  field.setAttribute("aria-invalid", words !== "");
  if (words) box.append(el("span", { class: "msg", role: "alert" }, icon("warn"), el("span", null, words)));
  const counted = field.form?.querySelector(".counted");
  if (!counted) return;
  const count = field.form.querySelectorAll(".field.bad").length;
  show(counted, count > 0);
  counted.querySelector("span").textContent = ngettext("{count} thing to correct", "{count} things to correct", count);
}
