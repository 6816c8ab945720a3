// What is kept, for how long, and what room it takes; how long is set here.

import { askJson } from "./api.js";
import { el, icon } from "./dom.js";
import { DaysDialog, daysWords, subject } from "./kept_days.js";
import { byId } from "./page.js";
import { LiveSocket } from "./socket.js";
import { _ } from "./texts.js";
import { dateWords } from "./time.js";
import { sizeWords } from "./words.js";

const MORE = {
  footage: () => _("Each camera may have days of its own."),
  alarms: () => _("Where room is wanted, they are the last to go."),
  lines: () => _("Exceptions that were found to be real, or are being checked, stay with their tickets."),
  journals: () => _("Mails: thirty days. An alarm stays while its recordings do."),
};
const STATES = { ok: () => _("in use"), full: () => _("full"), absent: () => _("absent") };
const dialog = new DaysDialog(byId("days"), load);
let known = null; // days as they are shown

const day = (text) => (text ? dateWords(Date.parse(text)) : "");
const since = (text) => (text ? _("since {day}", { day: day(text) }) : "");
const head = (words) => el("thead", null, el("tr", null, words.map((text) => el("th", { scope: "col" }, text))));

function kept(one) {
  const { what, days, in_file: inFile, is_set: isSet, held, oldest, begins_at: begins } = one;
  const soon = begins ? el("p", { class: "small readnote" }, icon("info"), held === null ? _("What is older is erased from {day} on.", { day: day(begins) }) : _("What is older is erased from {day} on; until then: {days}.", { day: day(begins), days: daysWords(what, held) })) : null;
  const origin = isSet ? _("Set here. In the file: {days}", { days: daysWords(what, inFile) }) : _("As in the file");
  const change = el("button", { class: "btn sm", type: "button", "data-kind": what, "aria-label": _("Change: {what}", { what: subject(what) }), onclick: () => dialog.open(one) }, icon("edit"), _("Change"));
  return el("tr", null,
    el("td", null, el("b", null, subject(what)), el("p", { class: "small quiet" }, MORE[what]())),
    el("td", null, daysWords(what, days), el("p", { class: "small quiet" }, origin), soon),
    el("td", { class: "nowrap" }, since(oldest)), el("td", null, change));
}

function disk({ name, state, footage_bytes: taken, free_bytes: free, oldest }) {
  return el("tr", null,
    el("td", { class: "mono" }, name), el("td", { class: state === "ok" ? null : "bad-c" }, STATES[state]()),
    el("td", null, sizeWords(taken)), el("td", null, state === "absent" ? "" : _("{size} free", { size: sizeWords(free) })), el("td", { class: "nowrap" }, since(oldest)));
}

async function load() {
  try {
    const { database_bytes: database, volumes, kept: kinds } = await askJson("/storage");
    const footage = volumes.reduce((sum, volume) => sum + volume.footage_bytes, 0);
    byId("summary").textContent = _("Recordings take {footage}, the database {database}.", { footage: sizeWords(footage), database: sizeWords(database) });
    const starts = { footage: volumes.map(({ oldest }) => oldest).filter(Boolean).sort()[0] };
    known = Object.fromEntries(kinds.map(({ what, days, held }) => [what, { days, held }]));
    const focused = document.activeElement?.dataset?.kind;
    byId("kept").replaceChildren(el("table", { class: "tbl stacks" }, head([_("What"), _("How long"), _("There is"), ""]), el("tbody", null, kinds.map((one) => kept({ oldest: starts[one.what], ...one })))));
    if (focused) byId("kept").querySelector(`[data-kind="${focused}"]`)?.focus();
    byId("disks").replaceChildren(el("table", { class: "tbl stacks" }, head([_("Folder"), _("State"), _("Recordings"), _("Room"), _("There is")]), el("tbody", null, volumes.map(disk))));
  } catch (error) {
    byId("summary").textContent = "";
    byId("kept").replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, error.message)));
    byId("disks").replaceChildren();
  }
}

new LiveSocket().onSettings(({ kept: told }) => {
  if (told && known && JSON.stringify(told) !== JSON.stringify(known)) load();
});
load();
