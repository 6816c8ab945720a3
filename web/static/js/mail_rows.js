// Mails as rows of a table: when, what, to whom, and what became of it.

import { el, icon } from "./dom.js";
import { _ } from "./texts.js";
import { clock, dayOf, now, shortDay } from "./time.js";

const STATES = {
  queued: () => _("waits"),
  sending: () => _("is being sent"),
  sent: () => _("sent"),
  failed: () => _("not sent"),
};
const MARKS = { queued: ["quiet", "clock"], sending: ["quiet", "clock"], sent: ["ok-c", "ok"], failed: ["bad-c", "x"] };

/** The state of a mail, with what the mail server said and when it is tried next. */
export function mailState(mail) {
  const [kind, image] = MARKS[mail.state];
  const next = mail.next_at && mail.attempts ? Date.parse(mail.next_at) : NaN;
  const time = Number.isNaN(next) ? "" : `${dayOf(next) === dayOf(now()) ? "" : `${shortDay(next)} `}${clock(next)}`;
  return el("td", null,
    el("span", { class: `${kind} state` }, icon(image), STATES[mail.state]()),
    mail.state !== "sent" && mail.said ? el("p", { class: "small quiet" }, mail.said) : null,
    time ? el("p", { class: "small quiet" }, _("Next try at {time}", { time })) : null);
}

/** When a mail was queued. */
export function mailTime(mail) {
  const at = Date.parse(mail.queued_at);
  return el("td", { class: "nowrap" }, el("time", { datetime: mail.queued_at }, `${shortDay(at)} ${clock(at)}`));
}
