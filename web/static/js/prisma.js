// Prisma: the sources that speak, registered in one click, and what their events mean.

import { Refusal, ask, askJson } from "./api.js";
import { el, icon, isWriting, keepsWritten, show, stackingTable } from "./dom.js";
import { byId, facts } from "./page.js";
import { tellPlug } from "./plug.js";
import { followSettings } from "./settings.js";
import { LiveSocket } from "./socket.js";
import { _, figure, ngettext } from "./texts.js";
import { clock, dayOf, now, shortDay } from "./time.js";
import { cameraCell } from "./tills.js";
import { toast } from "./toast.js";

const ENCODINGS = ["", "cp866", "cp1251", "utf-8", "koi8-r", "cp850", "cp1252"];
const SOON_MS = 300;
const SPEAKS_MS = 5 * 60000; // for how long a source speaks after its last event
const AGAIN_MS = 30000;
let events = [];
let turn = 0; // of the questions for sources: an answer that another has overtaken is not drawn
let stale = false; // what is known of the sources is another than what stands there

const instant = (iso) => { const at = Date.parse(iso); return dayOf(at) === dayOf(now()) ? clock(at) : `${shortDay(at)} ${clock(at)}`; };

/** Do `work`; what the server refuses is told. */
async function tried(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    toast(error.message);
  }
}

// ── sources ──
const reachable = (row) => [...row.querySelectorAll("a, button, input, select")];

async function loadSources() {
  const mine = (turn += 1);
  const [{ items }, known] = await Promise.all([askJson("/prisma/sources"), askJson("/sources")]);
  if (mine !== turn) return;
  stale = isWriting(byId("sources"));
  if (stale) return;
  const labels = new Map(known.items.map(({ source, label }) => [source, label]));
  const silent = items.filter((one) => one.silent_since).length;
  const unknown = items.filter((one) => !one.registered).length;
  const held = document.activeElement.closest("#sources tr");
  const place = held ? reachable(held).indexOf(document.activeElement) : -1;
  byId("summary").textContent = [
    ngettext("{count} source", "{count} sources", items.length),
    silent ? ngettext("{count} silent", "{count} silent", silent) : "",
    unknown ? ngettext("{count} not registered", "{count} not registered", unknown) : "",
  ].filter(Boolean).join(", ");
  byId("sources").replaceChildren(items.length
    ? stackingTable([_("Source"), _("State"), _("Name"), _("Letters"), _("Address"), _("Events"), _("Cameras"), ""], items.map((one) => source(one, labels.get(one.source) || one.name)), 5)
    : el("p", { class: "empty quiet" }, facts.ports.prisma ? _("Nothing has spoken yet. Sources send UDP datagrams to port {port} of this server.", { port: facts.ports.prisma }) : _("Nothing has spoken yet.")));
  if (place >= 0) [...byId("sources").querySelectorAll("tr")].filter((row) => row.dataset.source === held.dataset.source).forEach((row) => reachable(row)[place]?.focus({ preventScroll: true }));
}

function source(one, label) {
  const change = (body) => tried(async () => {
    await askJson(`/prisma/sources/${encodeURIComponent(one.source)}`, { method: "PUT", body });
    await loadSources();
    if (document.activeElement === document.body) byId("sources").querySelector(`[data-source="${one.source}"] .btn`)?.focus();
  });
  const forget = () => tried(async () => { await ask(`/prisma/sources/${encodeURIComponent(one.source)}`, { method: "DELETE" }); await loadSources(); });
  const call = (given) => tried(async () => {
    if (one.registered) await askJson(`/prisma/sources/${encodeURIComponent(one.source)}`, { method: "PUT", body: { name: given } });
    await askJson(`/sources/${encodeURIComponent(one.source)}`, { method: "PATCH", body: { label: given } });
    toast(_("It is saved and acts at once."));
  });
  const name = el("input", { class: "in", value: label, maxlength: "60", autocomplete: "off", placeholder: _("a name for people"), "aria-label": _("Name of {source}", { source: one.source }), onchange: (event) => call(event.target.value) });
  const letters = el("select", { class: "in", "aria-label": _("Letters of {source}", { source: one.source }), onchange: (event) => change({ encoding: event.target.value }) },
    ENCODINGS.map((encoding) => el("option", { value: encoding, selected: encoding === one.encoding }, encoding || _("as set for all"))));
  const button = one.registered
    ? el("button", { class: "btn sm quietb", type: "button", onclick: forget }, icon("trash"), _("Remove"))
    : el("button", { class: "btn sm primary", type: "button", onclick: () => change({}) }, icon("plus"), _("Register"));
  return el("tr", { "data-source": one.source },
    el("td", { class: "mono" }, one.source), el("td", null, state(one)), el("td", null, name), el("td", null, letters),
    el("td", { class: "mono" }, one.address), el("td", { class: "r" }, figure(one.events)), cameraCell(one, loadSources), el("td", { class: "r" }, button));
}

/** Look again, unless somebody writes or chooses there: then as soon as that is done. */
let soon = 0;
function loadSoon() {
  clearTimeout(soon);
  soon = setTimeout(() => {
    stale = byId("sources").querySelector("input:focus, select:focus") !== null;
    if (!stale) tried(loadSources);
  }, SOON_MS);
}
keepsWritten(byId("sources"));
byId("sources").addEventListener("focusout", () => { if (stale) loadSoon(); });

function state(one) {
  if (!one.taken) return el("span", { class: "bad-c state" }, icon("warn"), _("not taken"));
  if (!one.last_at) return el("span", { class: "quiet" }, _("has not spoken yet"));
  if (one.silent_since) return el("span", { class: "warn-c state" }, icon("warn"), _("silent since {instant}", { instant: instant(one.silent_since) }));
  if (now() - Date.parse(one.last_at) > SPEAKS_MS) return el("span", { class: "quiet state" }, _("last spoke {instant}", { instant: instant(one.last_at) }));
  return el("span", { class: "ok-c state" }, icon("ok"), _("speaks"));
}

// ── events ──
const EVENT_HEADS = () => [_("No."), _("Event"), _("Name of your own"), _("Of a receipt"), _("Its number counts"), _("Ends the receipt"), _("Shown"), ""];

async function loadEvents() {
  events = (await askJson("/prisma/events")).items;
  drawEvents();
}

function drawEvents() {
  const sought = byId("sought").value.trim().toLowerCase();
  const found = events.filter((one) => !sought || String(one.code) === sought || (!/^\d+$/.test(sought) && called(one).toLowerCase().includes(sought)));
  byId("events").replaceChildren(found.length
    ? stackingTable(EVENT_HEADS(), found.map(event))
    : el("p", { class: "empty quiet" }, _("No event is called so.")));
}

const called = (one) => one.name || one.names[facts.language] || "";

function event(one) {
  const row = el("tr", { "data-code": one.code });
  const present = () => byId("events").querySelector(`[data-code="${one.code}"]`); // it may have been drawn anew meanwhile
  const change = (body, method = "PATCH") => tried(async () => {
    const told = await askJson(`/prisma/events/${one.code}`, { method, body });
    events = events.map((other) => (other.code === one.code ? told : other));
    const next = event(told);
    [...next.children].forEach((cell, place) => cell.setAttribute("data-head", EVENT_HEADS()[place]));
    present()?.replaceWith(next);
    toast(_("It is saved and acts at once."));
  });
  const what = { code: one.code };
  const check = (name, label) => el("input", { type: "checkbox", checked: one[name], "aria-label": label, onchange: ({ target }) => change({ [name]: target.checked }) });
  const name = el("input", { class: "in", value: one.name, maxlength: "100", autocomplete: "off", "aria-label": _("Name of event {code}", what), onchange: ({ target }) => change({ name: target.value }) });
  const display = el("select", { class: "in", "aria-label": _("Where event {code} is shown", what), onchange: ({ target }) => change({ display: target.value }) },
    [["show", _("screen and log")], ["store", _("log only")], ["ignore", _("nowhere, not kept")]].map(([value, words]) => el("option", { value, selected: value === one.display }, words)));
  const reset = el("button", { class: "btn sm quietb", type: "button", hidden: !one.changed, onclick: () => change(undefined, "DELETE") }, _("As it was"));
  row.append(
    el("td", { class: "mono" }, String(one.code)), el("td", { title: one.description || null }, one.names[facts.language] ?? ""), el("td", null, name),
    el("td", null, check("grouping", _("Event {code} belongs to a receipt", what))), el("td", null, check("numbered", _("The number of event {code} counts", what))),
    el("td", null, check("closing", _("Event {code} ends the receipt", what))), el("td", null, display), el("td", { class: "r" }, reset));
  return row;
}

byId("sought").addEventListener("input", drawEvents);
byId("add").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  const code = Number(byId("f-code").value);
  if (!Number.isInteger(code) || code < 1 || code > 9999) {
    toast(_("An event has a number from 1 to 9999."));
    return;
  }
  const added = events.find((one) => one.code === code) ?? { code, name: "", names: {}, description: "", grouping: false, numbered: false, closing: false, display: "show", changed: false };
  if (!events.includes(added)) events = [...events, added].sort((a, b) => a.code - b.code);
  byId("sought").value = String(code);
  drawEvents();
  byId("events").querySelector("td .in")?.focus();
});

async function load() {
  try {
    await Promise.all([loadSources(), loadEvents()]);
  } catch (error) {
    byId("sources").replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, error.message)));
    show(byId("events"), false);
  }
}
load();
const socket = new LiveSocket(tellPlug);
socket.onSource(loadSoon);
followSettings(socket, loadSoon); // names of cameras, and of tills that are set elsewhere
setInterval(() => { if (!document.hidden) loadSoon(); }, AGAIN_MS); // the count of events, and who speaks no more
