// When cameras were lost, how long, and why.

import { el, icon } from "./dom.js";
import { FilterBar } from "./filters.js";
import { byId, facts, may } from "./page.js";
import { PagedList, nothing, table } from "./paged_list.js";
import { _ } from "./texts.js";
import { clock, dayOf, lengthWords, shortDay } from "./time.js";
import { reasonWords } from "./words.js";

const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const moment = (text, day = "") => {
  const at = Date.parse(text);
  return el("time", { datetime: text }, dayOf(at) === day ? clock(at) : `${shortDay(at)} ${clock(at)}`);
};

function end(lost) {
  const lostDay = dayOf(Date.parse(lost.lost_at));
  if (!lost.ending) return [el("span", { class: "alarm-c state" }, icon("plug"), _(facts.endings[""]))];
  if (lost.ending === "back") return [moment(lost.back_at, lostDay)];
  return [moment(lost.back_at, lostDay), el("p", { class: "small quiet" }, _(facts.endings[lost.ending]))];
}

function row(lost) {
  const key = lost.camera ?? `uid:${lost.camera_uid}`;
  const where = may("replay") ? `/replay/${encodeURIComponent(key)}?at=${Date.parse(lost.lost_at) / 1000 - 5}` : null;
  const name = lost.camera === null ? _("{camera} (removed)", { camera: lost.name }) : `${lost.camera} · ${lost.name}`;
  const why = capital(reasonWords({ code: lost.code, detail: lost.detail }));
  const last = lost.last_code === lost.code ? "" : _("then: {reason}", { reason: reasonWords({ code: lost.last_code, detail: lost.last_detail }) });
  const long = lengthWords(lost.seconds * 1000);
  return el("tr", null,
    el("td", { class: "nowrap" }, moment(lost.lost_at)),
    el("td", { class: "nowrap" }, ...end(lost)),
    el("td", { class: "nowrap" }, lost.ending === "stopped" ? _("at least {time}", { time: long }) : long),
    el("td", null, where ? el("a", { href: where }, name) : name),
    el("td", null, why, last ? el("p", { class: "small quiet" }, last) : null));
}

const bar = new FilterBar(byId("asked"), () => list.load(), { kept: "journals" });
const list = new PagedList(byId("rows"), byId("more"), "/disconnections", {
  asked: () => bar.asked,
  begin: table([_("Lost"), _("Back"), _("How long"), _("Camera"), _("Why")]),
  row: (lost) => [row(lost)],
  empty: () => (Object.keys(bar.values).length ? nothing("plug", _("No lost camera matches"))() : nothing("plug", _("No camera was lost"))()),
  failed: _("The journal could not be read."),
});
list.load();
