// The journal of alarms: when, where, why, what it looked like, who has seen it; each row leads to its recording.

import { askJson } from "./api.js";
import { el } from "./dom.js";
import { FilterBar } from "./filters.js";
import { byId, facts, may } from "./page.js";
import { PagedList, nothing, rail } from "./paged_list.js";
import { _ } from "./texts.js";
import { clock, lengthWords } from "./time.js";
import { toast } from "./toast.js";
import { causeWords } from "./words.js";

const lasted = (alarm) => lengthWords(Date.parse(alarm.ended_at ?? alarm.until) - Date.parse(alarm.started_at));

/** The alarm as a picture, or nothing. */
function still(alarm, where) {
  const box = el(where ? "a" : "span", { class: "alarmstill", href: where, tabindex: where ? -1 : null, "aria-hidden": "true" });
  box.append(el("img", { src: `${alarm.picture}?${alarm.trigger_count}`, alt: "", loading: "lazy", decoding: "async", onerror: () => box.replaceChildren(), onload: () => box.classList.add("there") }));
  return box;
}

function said(alarm) {
  const at = Date.parse(alarm.started_at);
  const camera = facts.cameras.find(({ id }) => id === alarm.camera);
  const name = camera?.name ?? _("a camera that was removed");
  const key = alarm.camera ?? `uid:${alarm.camera_uid}`;
  const where = alarm.recorded && may("replay") ? `/replay/${encodeURIComponent(key)}?at=${at / 1000}` : null;
  const message = alarm.triggers.map((trigger) => trigger.message).filter(Boolean).at(-1);
  const causes = [...new Set(alarm.causes.map(causeWords))].join(", ");
  const seen = el("span", { class: "small quiet" }, alarm.acknowledged_by ? _("seen by {user}", { user: alarm.acknowledged_by }) : "");
  if (!alarm.acknowledged_by) seen.append(seenButton(alarm, seen));
  const what = el("div", { class: "what" },
    el("span", null, where ? el("a", { href: where }, name) : name, " – ", causes, ", ", alarm.state === "active" ? _("goes on") : lasted(alarm)),
    message ? el("p", null, message) : null, seen);
  return { at, node: el("li", null, el("time", { datetime: alarm.started_at }, clock(at)), what, still(alarm, where)) };
}

function seenButton(alarm, box) {
  const button = el("button", { class: "btn sm", type: "button" }, _("Seen"));
  button.addEventListener("click", async () => {
    try {
      const { acknowledged_by: user } = await askJson(`/alarms/${alarm.id}/acknowledge`, { method: "POST", body: {} });
      box.replaceChildren(_("seen by {user}", { user }));
    } catch (error) {
      toast(error.message);
    }
  });
  return button;
}

const bar = new FilterBar(byId("asked"), () => list.load(), { kept: "journals" });
const list = new PagedList(byId("rows"), byId("more"), "/alarms", {
  asked: () => bar.asked,
  ...rail("alarmlog", said),
  empty: () => (Object.keys(bar.values).length ? nothing("bell", _("No alarm matches"))() : nothing("bell", _("No alarm was raised"))()),
  failed: _("The alarms could not be read."),
});
list.load();
