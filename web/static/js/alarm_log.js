// The journal of alarms: when, where, why, who has seen it; each row leads to its recording.

import { askJson, query } from "./api.js";
import { el, icon, show } from "./dom.js";
import { byId, facts } from "./page.js";
import { _, ngettext } from "./texts.js";
import { clock, dayOf, shortDay } from "./time.js";
import { toast } from "./toast.js";
import { causeWords } from "./words.js";

const PAGE = 50;
const form = byId("filters");
let cursor = null;
let turn = 0;
let lastDay = "";
let list = null;

form.elements.camera.append(...facts.cameras.map(({ id, name }) => el("option", { value: id }, `${id} · ${name}`)));
const seenCauses = new Map(); // several causes may have the same words: the list has each once
for (const option of [...form.elements.cause.options].slice(1)) {
  option.value = option.textContent;
  option.textContent = causeWords(option.value);
  if (seenCauses.has(option.textContent)) option.textContent += ` (${option.value.toUpperCase()})`;
  seenCauses.set(option.textContent, true);
}

const lasted = (alarm) => {
  const seconds = Math.round((Date.parse(alarm.ended_at ?? alarm.until) - Date.parse(alarm.started_at)) / 1000);
  return seconds < 120 ? ngettext("{count} second", "{count} seconds", seconds) : ngettext("{count} minute", "{count} minutes", Math.round(seconds / 60));
};

function row(alarm) {
  const at = Date.parse(alarm.started_at);
  const day = dayOf(at);
  const parts = day === lastDay ? [] : [el("li", { class: "day" }, shortDay(at))];
  lastDay = day;
  const camera = facts.cameras.find(({ id }) => id === alarm.camera);
  const name = camera?.name ?? _("a camera that was removed");
  const where = alarm.camera ?? `uid:${alarm.camera_uid}`;
  const said = alarm.triggers.map(({ message }) => message).filter(Boolean).at(-1);
  const state = alarm.state === "active" ? _("goes on") : lasted(alarm);
  const link = alarm.recorded && facts.rights.includes("replay") ? el("a", { href: `/replay/${encodeURIComponent(where)}?at=${at / 1000}` }, name) : el("span", null, name);
  const causes = [...new Set(alarm.causes.map(causeWords))].join(", ");
  const seen = el("span", { class: "small quiet" }, alarm.acknowledged_by ? _("seen by {user}", { user: alarm.acknowledged_by }) : "");
  if (!alarm.acknowledged_by) seen.append(seenButton(alarm, seen));
  return [...parts, el("li", null, el("time", { datetime: alarm.started_at }, clock(at)), el("div", { class: "what" }, el("span", null, link, " – ", causes, ", ", state), said ? el("p", null, said) : null), seen)];
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

async function load(more = false) {
  const mine = ++turn;
  const asked = Object.fromEntries(new FormData(form));
  try {
    const { items, next } = await askJson(`/alarms${query({ ...asked, limit: PAGE, cursor: more ? cursor : "" })}`);
    if (mine !== turn) return;
    cursor = next;
    if (!more) {
      lastDay = "";
      list = el("ul", { class: "rail journal alarmlog" });
      byId("rows").replaceChildren(items.length ? list : el("div", { class: "empty" }, icon("bell", "i big"), el("h2", null, _("No alarm was raised"))));
    }
    for (const alarm of items) list.append(...row(alarm));
    show(byId("more"), Boolean(next));
  } catch (error) {
    if (mine === turn) byId("rows").replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, el("b", null, _("The alarms could not be read.")), " ", error.message)));
  }
}

form.addEventListener("change", () => load());
form.addEventListener("submit", (event) => event.preventDefault());
byId("more").addEventListener("click", () => load(true));
load();
