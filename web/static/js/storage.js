// What is kept, for how long, and what room it takes.

import { askJson } from "./api.js";
import { el, icon } from "./dom.js";
import { byId } from "./page.js";
import { _, figure, ngettext } from "./texts.js";
import { dateWords } from "./time.js";

const KINDS = {
  footage: { words: () => _("Recordings"), more: () => _("Each camera may have days of its own."), key: "days", forever: () => _("until room is wanted") },
  alarms: { words: () => _("Recordings of alarms"), more: () => _("Where room is wanted, they are the last to go."), key: "alarm_days", forever: () => _("until room is wanted") },
  lines: { words: () => _("Tickets and exceptions"), more: () => _("Exceptions that were found to be real, or are being checked, stay with their tickets."), key: "line_days", forever: () => _("for ever") },
  journals: { words: () => _("Journals, alarms, lost cameras"), more: () => _("Mails: thirty days. An alarm stays while its recordings do."), key: "journal_days", forever: () => _("for ever") },
};
const STATES = { ok: () => _("in use"), full: () => _("full"), absent: () => _("absent") };

const size = (bytes) => (bytes >= 1e12 ? _("{count} TB", { count: figure(bytes / 1e12) }) : bytes >= 1e9 ? _("{count} GB", { count: figure(bytes / 1e9) }) : _("{count} MB", { count: figure(bytes / 1e6, 0) }));
const day = (text) => (text ? dateWords(Date.parse(text)) : "");
const since = (text) => (text ? _("since {day}", { day: day(text) }) : "");
const head = (words) => el("thead", null, el("tr", null, words.map((text) => el("th", { scope: "col" }, text))));

function kept({ what, days, oldest, begins_at: begins }) {
  const { words, more, key, forever } = KINDS[what];
  const soon = begins ? el("p", { class: "small readnote" }, icon("info"), _("What is older is erased from {day} on.", { day: day(begins) })) : null;
  return el("tr", null,
    el("td", null, el("b", null, words()), el("p", { class: "small quiet" }, more())),
    el("td", null, days ? ngettext("{count} day", "{count} days", days) : forever(), soon),
    el("td", { class: "nowrap" }, since(oldest)), el("td", { class: "mono" }, key));
}

function disk({ name, state, footage_bytes: taken, free_bytes: free, oldest }) {
  return el("tr", null,
    el("td", { class: "mono" }, name), el("td", { class: state === "ok" ? null : "bad-c" }, STATES[state]()),
    el("td", null, size(taken)), el("td", null, state === "absent" ? "" : _("{size} free", { size: size(free) })), el("td", { class: "nowrap" }, since(oldest)));
}

async function load() {
  try {
    const { database_bytes: database, volumes, kept: kinds } = await askJson("/storage");
    const footage = volumes.reduce((sum, volume) => sum + volume.footage_bytes, 0);
    byId("summary").textContent = _("Recordings take {footage}, the database {database}.", { footage: size(footage), database: size(database) });
    const starts = { footage: volumes.map(({ oldest }) => oldest).filter(Boolean).sort()[0] };
    byId("kept").replaceChildren(el("table", { class: "tbl stacks" }, head([_("What"), _("How long"), _("There is"), _("Key")]), el("tbody", null, kinds.map((one) => kept({ oldest: starts[one.what], ...one })))));
    byId("disks").replaceChildren(el("table", { class: "tbl stacks" }, head([_("Folder"), _("State"), _("Recordings"), _("Room"), _("There is")]), el("tbody", null, volumes.map(disk))));
  } catch (error) {
    byId("summary").textContent = "";
    byId("kept").replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, error.message)));
    byId("disks").replaceChildren();
  }
}

load();
