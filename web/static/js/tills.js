// The tables of the tills that are known and of the addresses that send lines.

import { askJson } from "./api.js";
import { el, icon, isWriting, stackingTable } from "./dom.js";
import { byId, facts, may } from "./page.js";
import { _, figure } from "./texts.js";
import { sinceWords } from "./words.js";
import { toast } from "./toast.js";

const FAULTS = {
  fields: () => _("not understood yet"),
  no_name: () => _("lines name no till"),
  no_type: () => _("lines have no type"),
  long: () => _("lines are too long"),
  json: () => _("lines are no JSON objects"),
  xml: () => _("lines are no XML elements"),
  utf16: () => _("letters are UTF-16: set the till to UTF-8"),
  stranger_name: () => _("its name is not let in"),
};

/** What is wrong with a line, in words. */
export const faultWords = (code) => FAULTS[code]?.() ?? _("it cannot be read");

const when = (instant) => (instant ? sinceWords(Date.parse(instant)) : _("never"));
let turn = 0; // of the drawings: an answer that another has overtaken is not drawn
const table = (heads, rows) => el("div", { class: "wide" }, stackingTable(heads, rows));

async function change(source, body) {
  try {
    await askJson(`/sources/${encodeURIComponent(source)}`, { method: "PATCH", body });
    toast(_("It is saved and acts at once."));
  } catch (error) {
    toast(error.message);
  }
}

function dialectChoice(source, present, names) {
  return el("select", { class: "in", "aria-label": _("Dialect of {till}", { till: source }), onchange: ({ target }) => change(source, { dialect: target.value }) },
    el("option", { value: "", selected: present === "" }, _("as the listener")),
    names.map((name) => el("option", { value: name, selected: name === present }, name)));
}

const LETTERS = [["utf-8", "UTF-8"], ["cp1252", "Windows (CP1252)"], ["latin-1", "ISO 8859-1"], ["iso8859-15", "ISO 8859-15"], ["cp850", "DOS (CP850)"], ["cp858", "DOS (CP858)"], ["cp866", "DOS (CP866)"], ["cp1251", "Windows (CP1251)"], ["koi8-r", "KOI8-R"]];

function lettersChoice(address, present) {
  return el("select", { class: "in", "aria-label": _("Letters of {source}", { source: address }), onchange: ({ target }) => change(address, { encoding: target.value }).then(() => document.dispatchEvent(new CustomEvent("letters"))) },
    el("option", { value: "", selected: present === "" }, _("as the dialect")),
    LETTERS.map(([value, words]) => el("option", { value, selected: value === present }, words)));
}

/** The cameras that watch a till, each with a way to tie it no more, and a way to tie another one. */
export function cameraCell(till, reload) {
  const tied = facts.cameras.filter(({ id }) => till.cameras.includes(id));
  const others = facts.cameras.filter(({ id }) => !till.cameras.includes(id));
  const tie = async (id, isTied) => {
    try {
      const { overlay_ids } = await askJson(`/cameras/${id}`);
      const kept = overlay_ids.filter((source) => source !== till.source);
      await askJson(`/cameras/${id}`, { method: "PATCH", body: { overlay_ids: isTied ? [...kept, till.source] : kept } });
      if (isTied) toast(_("Its tickets are shown with this camera from now on."));
      else toast(_("Its tickets are not shown with this camera any more."), { words: _("Undo"), run: () => tie(id, true) });
      await reload();
    } catch (error) {
      toast(error.message);
    }
  };
  const links = tied.map(({ id, name }) => el("span", { class: "chip" }, el("a", { class: "chipwords", href: `/live/${id}` }, `${id} · ${name}`),
    may("cameras") ? el("button", { type: "button", "aria-label": _("No longer show {till} with {camera}", { till: till.source, camera: name }), onclick: () => tie(id, false) }, icon("x")) : null));
  if (!may("cameras") || !others.length) return el("td", null, el("div", { class: "row wrap" }, links));
  return el("td", null, el("div", { class: "row wrap" }, links,
    el("select", { class: "in tie", "aria-label": _("Show {till} with a camera", { till: till.source }), onchange: ({ target }) => tie(target.value, true) },
      el("option", { value: "" }, _("Show with…")), others.map(({ id, name }) => el("option", { value: id }, `${id} · ${name}`)))));
}

const CALENDARS = { always: () => _("always"), never: () => _("never") };

/** When a till should speak, and the silence after which it is told. */
function hoursCell(till, calendars) {
  const unset = till.heartbeats ? _("always: it sends signs of life") : _("not watched");
  const hours = el("select", { class: "in", "aria-label": _("When {till} should speak", { till: till.source }), onchange: ({ target }) => change(till.source, { hours: target.value }) },
    el("option", { value: "", selected: till.hours === "" }, unset),
    calendars.filter((name) => name !== "never").map((name) => el("option", { value: name, selected: name === till.hours }, CALENDARS[name]?.() ?? name)));
  const minutes = el("input", { class: "in num", type: "number", min: 0, max: 1440, value: till.silent_minutes || "", placeholder: till.silent_minutes ? "" : till.silent_after_minutes, "aria-label": _("Minutes of silence after which {till} is told", { till: till.source }), onchange: ({ target }) => change(till.source, { silent_minutes: Number(target.value) }) });
  return el("td", null, el("div", { class: "row hours" }, hours, minutes));
}

function tillRow(till, names, calendars, reload) {
  const label = el("input", { class: "in", value: till.label, maxlength: 60, placeholder: _("a name for people"), "aria-label": _("Name of {till} on the pages", { till: till.source }), onchange: ({ target }) => change(till.source, { label: target.value }) });
  const silence = el("input", { class: "in num", type: "number", min: 5, max: 3600, value: till.clear_seconds, "aria-label": _("Seconds of silence after which the ticket of {till} is cleared", { till: till.source }), onchange: ({ target }) => change(till.source, { clear_seconds: Number(target.value) }) });
  const flag = till.burst_since ? el("p", { class: "warn-c small state" }, icon("warn"), _("whole tickets at once")) : null;
  const silent = till.silent_since ? el("p", { class: "warn-c small state" }, icon("warn"), _("silent since {instant}", { instant: when(till.silent_since) })) : null;
  return el("tr", null, el("td", null, el("b", { class: "mono" }, till.source), flag, silent), el("td", null, label), cameraCell(till, reload),
    el("td", null, when(till.last_line_at)), hoursCell(till, calendars), el("td", { class: "r" }, figure(till.lines_per_day)), el("td", null, dialectChoice(till.source, till.dialect, names)), el("td", null, silence));
}

function senderRow(sender, sources, names, watch, advice) {
  const wrong = sender.wrong_port_at ? el("span", { class: "bad-c state" }, icon("warn"), _("uses the port of the pages")) : null;
  const fault = sender.fault ? el("span", { class: "bad-c state" }, icon("warn"), faultWords(sender.fault)) : null;
  const fine = wrong || fault ? null : el("span", { class: "ok-c state" }, icon("ok"), _("understood"));
  const { dialect: present, encoding } = sources.get(sender.address) ?? { dialect: "", encoding: "" };
  const waits = fault && present && present !== sender.dialect ? el("span", { class: "quiet state" }, _("its next line is awaited")) : null; // it was set since the last one
  const advised = fault && !waits ? advice(sender) : null;
  return el("tr", null, el("td", null, el("b", { class: "mono" }, sender.address)), el("td", null, sender.source), el("td", null, wrong, waits ?? fault, fine),
    el("td", { class: "r" }, figure(sender.lines)), el("td", { class: "r" }, figure(sender.bad)), el("td", null, when(sender.last_at)),
    el("td", null, dialectChoice(sender.address, present, names)), el("td", null, lettersChoice(sender.address, encoding)),
    el("td", null, el("div", { class: "row" }, advised, el("button", { class: "btn sm", type: "button", onclick: () => watch(sender.address, Boolean(fault)) }, _("Look")))));
}

/** That nobody has spoken, and where to. */
function nobody() {
  const port = facts.ports.pos;
  const to = port ? _("Let the till send to port {port} of this server, {host}.", { port, host: location.hostname }) : "";
  return [_("Nobody has sent anything since the server runs."), to].filter(Boolean).join(" ");
}

/**
 * Draw both tables; `names` are those of the dialects, `watch(address, wrong)` shows what an address sends, `advice(sender)` is
 * a way to have one understood that is not, or null. Returns who sends.
 */
export async function drawTills(names, watch, advice) {
  const places = (one, other) => Number(Boolean(other.fault)) - Number(Boolean(one.fault)) || one.address.localeCompare(other.address, "en", { numeric: true });
  const mine = (turn += 1);
  try {
    const [tills, senders, calendars] = await Promise.all([askJson("/sources"), askJson("/senders"), askJson("/calendars")]);
    senders.items.sort(places); // who is not understood first; all else keeps its place
    if (mine !== turn) return senders.items;
    const hours = calendars.items.map(({ name }) => name);
    const sources = new Map(tills.items.map((till) => [till.source, till]));
    const shown = tills.items.filter((till) => till.last_line_at || till.cameras.length || till.label);
    if (!isWriting(byId("tills"))) byId("tills").replaceChildren(shown.length
      ? table([_("Till"), _("Name"), _("Cameras"), _("Last line"), _("Should speak; told after min"), _("Lines in 24 h"), _("Dialect"), _("Clear after s")], shown.map((till) => tillRow(till, names, hours, () => drawTills(names, watch, advice))))
      : el("p", { class: "quiet" }, _("No till has said anything yet.")));
    byId("senders").replaceChildren(senders.items.length
      ? table([_("Address"), _("Till"), _("State"), _("Lines"), _("Not understood"), _("Last"), _("Dialect"), _("Letters"), ""], senders.items.map((sender) => senderRow(sender, sources, names, watch, advice)))
      : el("p", { class: "quiet" }, nobody()));
    const bursts = shown.filter((till) => till.burst_since).map((till) => till.label || till.source);
    byId("warnings").replaceChildren(...(bursts.length ? [el("div", { class: "note warn" }, icon("warn"), el("span", null, _("Tickets of {tills} come all at once, at their end: their lines cannot be found in the video. Let the till send each line when it is entered.", { tills: bursts.join(", ") })))] : []));
    return senders.items;
  } catch (error) {
    if (mine !== turn) return [];
    for (const id of ["tills", "senders"]) byId(id).replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, error.message)));
    return [];
  }
}
