// Says in the page when the server cannot be reached, and goes away when it is back.

import { el, icon } from "./dom.js";
import { byId } from "./page.js";
import { _ } from "./texts.js";
import { shortClock, now } from "./time.js";

const PATIENCE_MS = 1500;
let note = null;
let timer = 0;

/** For `LiveSocket`: told with true and false. */
export function tellPlug(connected) {
  clearTimeout(timer);
  if (connected) {
    note?.remove();
    note = null;
  } else if (!note) {
    const since = shortClock(now());
    timer = setTimeout(() => {
      note = el("p", { class: "note" }, icon("plug"), el("span", null, el("b", null, _("This page lost the server at {time}.", { time: since })), " ", _("Trying again. Recording does not depend on this page.")));
      byId("banner").append(note);
    }, PATIENCE_MS);
  }
}
