// What a connection to a contact box, or to a camera's events, is worth, in words behind a mark.

import { el, icon } from "./dom.js";
import { _ } from "./texts.js";
import { sinceWords } from "./words.js";

const MARKS = {
  active: () => el("span", { class: "dot" }),
  inactive: () => el("span", { class: "alarm-c" }, icon("plug")),
  off: () => el("span", { class: "quiet" }, icon("pause")),
};

/** The mark and the words of `state`; `subject` puts what it does into a sentence. */
export function linkWords(state, subject) {
  const words = subject(_(state.text, state.values));
  const since = state.status === "inactive" && state.code !== "connecting" ? _("since {time}", { time: sinceWords(Date.parse(state.since)) }) : "";
  const mark = state.code === "connecting" ? el("span", { class: "warn-c" }, icon("clock")) : MARKS[state.status]();
  return [mark, el("span", null, words, since ? el("span", { class: "quiet" }, ` (${since})`) : null)];
}

/** Do `work` every so often while somebody can see the page, and once at the beginning. */
export function whileSeen(milliseconds, work) {
  const turn = async () => {
    if (!document.hidden) await work();
    setTimeout(turn, milliseconds);
  };
  turn();
}
