// The exceptions: what the rules found, with the picture of the instant, judged by buttons or keys; how many there are of
// whom; and the rules.

import { askJson, query } from "./api.js";
import { deedWords } from "./deeds.js";
import { el, icon, show } from "./dom.js";
import { pictureIn } from "./exception_marks.js";
import { FilterBar } from "./filters.js";
import { exceptionHit, hitWay, keepHits, watchedHit } from "./hits.js";
import { VERDICT_KEYS, reviewWords, sendVerdict, tellVerdict, verdictActions } from "./judging.js";
import { onKeys } from "./keys.js";
import { sourceName, tillName } from "./lines.js";
import { byId, facts, may, remember, remembered } from "./page.js";
import { Rules } from "./rules.js";
import { followSettings } from "./settings.js";
import { LiveSocket } from "./socket.js";
import { _, figure, ngettext } from "./texts.js";
import { clock, dayOf, shortDay } from "./time.js";
import { toast } from "./toast.js";

const PAGE = 50;
const LARGEST_PAGE = 1000;
const SOON_MS = 400;
const MOST_COUNTED = 12; // cashiers or tills
const TABS = [["new", () => _("To review")], ["checking", () => _("Being checked")], ["harmless", () => _("Harmless")], ["real", () => _("Confirmed")], ["", () => _("All")]];
const CHOSEN = ["rule", "source"]; // lists that are filled later
const ids = facts.cameras.map(({ id }) => id);
const form = byId("asked");
const first = new URLSearchParams(location.search);
let verdict = first.get("verdict") ?? "new";
if (verdict === "all") verdict = "";
let cursor = null;
let turn = 0;
let lastDay = "";
let list = null;
let chosen = null; // the row whose decisions are open
let found = ""; // what tells these hits from others of this tab
let hits = [];
let listed = null; // how many there were of this verdict when the list was read
const rows = new Map(); // element -> exception

// ── what is asked ──

const bar = new FilterBar(form, () => { load(); });
const asked = () => bar.asked;
const total = (counts) => counts.new + counts.checking + counts.harmless + counts.real;

function tellAddress() {
  history.replaceState(null, "", `/exceptions${query({ ...bar.values, verdict: verdict === "new" ? "" : verdict || "all" })}`);
  byId("csv").href = `/api/v1/exceptions.csv${query({ ...asked(), verdict })}`;
}

/** Ask for something else, by the names of the fields. */
function filter(values) {
  for (const [name, value] of Object.entries(values)) {
    if (name !== "seller") addChoice(form.elements[name], value, value);
    form.elements[name].value = value;
  }
  form.dispatchEvent(new Event("submit", { cancelable: true }));
  byId("main").scrollIntoView({ block: "start" });
}

/** A list's choice, once. */
function addChoice(field, value, words) {
  const known = [...field.options].find((option) => option.value === value);
  if (known) known.textContent = words;
  else field.append(el("option", { value }, words));
}

let isFilled = false;

/** What can be chosen of rules, tills and cashiers: those that exist, and those of which something was found. */
async function fillChoices(existing) {
  for (const { id, name } of existing) addChoice(form.elements.rule, id, name);
  if (isFilled) return;
  isFilled = true;
  const [sources, sellers] = await Promise.all(["source", "seller"].map((by) => askJson(`/exceptions/counts${query({ by })}`)));
  const known = new Set([...sources.items.map(({ key }) => key), ...facts.cameras.flatMap(({ overlay_ids: tied }) => tied)]);
  for (const key of [...known].sort((one, other) => sourceName(one).localeCompare(sourceName(other), facts.language, { numeric: true }))) addChoice(form.elements.source, key, sourceName(key));
  byId("sellers").replaceChildren(...sellers.items.filter(({ key }) => key).map(({ key }) => el("option", { value: key })));
  for (const name of CHOSEN) {
    const value = first.get(name);
    if (!value) continue;
    addChoice(form.elements[name], value, name === "rule" ? _("a rule that was removed") : value);
    form.elements[name].value = value;
  }
  if (CHOSEN.some((name) => first.get(name))) form.dispatchEvent(new Event("submit", { cancelable: true }));
}

// ── how many there are ──

function drawTabs(counts) {
  const of = (name) => (name ? counts[name] : total(counts));
  byId("tabs").replaceChildren(...TABS.map(([name, words]) => el("a", { href: query({ ...bar.values, verdict: name || "all" }), role: "tab", "aria-selected": name === verdict ? "true" : "false", onclick: (event) => { event.preventDefault(); chooseVerdict(name); } }, words(), of(name) ? el("span", { class: "count" }, figure(of(name))) : null)));
  return of(verdict);
}

function chooseVerdict(name) {
  verdict = name;
  load();
}

/** Cashiers, or tills, with what was found of each. */
function drawCounted({ by, items }) {
  const name = by === "seller" ? (key) => key || _("not named") : tillName;
  const ordered = items.toSorted((one, other) => total(other) - total(one) || one.key.localeCompare(other.key)).slice(0, MOST_COUNTED);
  const heads = [by === "seller" ? _("Cashier") : _("Till"), _("To review"), _("Harmless"), _("Confirmed"), _("All")];
  const row = (item) => el("tr", null,
    el("th", { scope: "row", class: "mono" }, item.key || by === "source" ? el("button", { class: "linklike", type: "button", title: _("Show only these"), onclick: () => filter({ [by]: item.key }) }, name(item.key)) : name(item.key)),
    [item.new + item.checking, item.harmless, item.real, total(item)].map((count) => el("td", { class: "r mono" }, figure(count))));
  byId("counted").replaceChildren(ordered.length
    ? el("table", { class: "tbl report" }, el("thead", null, el("tr", null, heads.map((words, place) => el("th", { scope: "col", class: place ? "r" : null }, words)))), el("tbody", null, ordered.map(row)))
    : el("p", { class: "quiet" }, _("Nothing was found in this time.")));
}

const countedBy = () => form.parentNode.querySelector("[name=counted]:checked").value;

let counting = 0; // an answer that another has overtaken is not drawn

async function tellCounts() {
  const mine = (counting += 1);
  const [counts, apart] = await Promise.all([askJson(`/exceptions/counts${query(asked())}`), askJson(`/exceptions/counts${query({ ...asked(), by: countedBy() })}`)]);
  if (mine !== counting) return verdict ? counts[verdict] : total(counts);
  rules.tellCounts(new Map(counts.items.map((item) => [item.key, { waiting: item.new + item.checking, real: item.real, all: total(item) }])));
  drawCounted(apart);
  return drawTabs(counts);
}

// ── a row ──

/** How much was counted, as the language writes it. */
const figureWords = (value) => _("counted: {figure}", { figure: figure(Number(value), /\.\d*[1-9]/.test(value) ? 2 : 0) });

function row(one) {
  const at = Date.parse(one.at);
  const day = dayOf(at);
  const parts = day === lastDay ? [] : [el("li", { class: "day" }, shortDay(at))];
  lastDay = day;
  const way = wayOf(one);
  const without = (words) => el("span", { class: "thumb none" }, words);
  const still = way ? el("img", { class: "thumb", alt: "", loading: "lazy", onerror: ({ target }) => target.replaceWith(without(_("No picture"))) }) : without(one.cameras.some((id) => ids.includes(id)) ? "" : _("No camera"));
  const item = el("li", { tabindex: 0, class: `e-${one.verdict}`, "data-id": one.id });
  rows.set(item, one);
  const who = el("p");
  const told = el("p");
  const shownAt = clock(Date.parse(one.picture_at));
  const coming = el("p", { class: "small warn-c", hidden: true }, _("Its picture comes at {time}", { time: shownAt }));
  if (way) lookWhenShown(one, still, coming);
  const what = el("div", { class: "what" }, el("b", null, one.rule), who, el("p", null, [deedWords(one.deed), one.figure && figureWords(one.figure), shownAt === clock(at) ? "" : _("picture {time}", { time: shownAt })].filter(Boolean).join(" · ")), coming, told);
  const badge = el("span");
  item.append(el("time", { datetime: one.at }, clock(at)), still, what, el("div", { class: "end" }, el("span", { class: "mono" }, Number(one.amount) ? figure(Number(one.amount), 2) : ""), badge));
  let acts = null;
  item.redraw = () => { // what stays is left where it is: a button that is being pressed, a note that is being written
    const now = rows.get(item);
    item.className = `e-${now.verdict}${item === chosen ? " sel" : ""}`;
    who.textContent = [tillName(now.source), now.seller && _("cashier {name}", { name: now.seller }), now.text].filter(Boolean).join(" · ");
    told.textContent = reviewWords(now);
    show(told, Boolean(now.reviewed_by));
    tellVerdict(badge, now.verdict);
    if (item === chosen && !acts) what.append(acts = verdictActions(now, { judge: (body) => judge(item, body), leave: () => item.focus(), way }));
    else if (item !== chosen) {
      acts?.remove();
      acts = null;
    }
    acts?.tell(now);
  };
  item.redraw();
  item.addEventListener("focus", () => select(item));
  return [...parts, item];
}

/** The still of an exception; one that is to come, because the till's picture is later than its lines, once it is there. */
function lookWhenShown(one, still, coming) {
  const waits = pictureIn(one);
  const camera = one.cameras.find((id) => ids.includes(id));
  const look = () => {
    show(coming, false);
    still.src = `/api/v1/cameras/${camera}/snapshot.jpg?at=${(Date.parse(one.picture_at) / 1000).toFixed(3)}`;
  };
  show(coming, waits > 0);
  if (waits) setTimeout(look, waits);
  else look();
}

/** The way to the replay, which goes from one of these exceptions to the next; null where nothing can be replayed. */
function wayOf(one) {
  const place = hits.findIndex(({ line }) => line === one.id);
  return place < 0 ? null : hitWay(hits[place], place, found);
}

function select(item) {
  if (chosen === item) return;
  const before = chosen;
  chosen = item;
  before?.redraw();
  item?.redraw();
}

/** Send what was judged or noted: one after the other, as it was seen when its turn comes. */
function judge(item, body) {
  if (item) item.sent = (item.sent ?? Promise.resolve()).then(() => send(item, body));
}

async function send(item, body) {
  try {
    const found = await sendVerdict(rows.get(item), body);
    if (!found) return;
    rows.set(item, found);
    item.redraw();
    if (item.contains(document.activeElement) && document.activeElement.closest("[hidden]")) item.focus();
    listed = await tellCounts();
  } catch (error) {
    toast(error.message);
  }
}

// ── the list ──

function nothing() {
  const narrowed = Object.keys(bar.values).length > 0;
  const words = narrowed ? _("Ask for less, or for a longer time.") : _("A rule that is switched on shows here what it finds.");
  return el("div", { class: "empty" }, icon("ok", "i big"), el("h2", null, verdict === "new" ? _("Nothing to review") : _("No exception here")), el("p", null, words));
}

async function load(more = false) {
  const mine = ++turn;
  tellAddress();
  const back = more ? null : watchedHit(location.pathname + location.search);
  const limit = back ? Math.min(LARGEST_PAGE, Math.ceil((back.place + 1) / PAGE) * PAGE) : PAGE;
  byId("more").disabled = true;
  try {
    const [{ items, next }, count] = await Promise.all([askJson(`/exceptions${query({ ...asked(), verdict, limit, cursor: more ? cursor : "" })}`), tellCounts()]);
    if (mine !== turn) return;
    cursor = next;
    listed = count;
    show(byId("fresh"), false);
    if (!more) {
      lastDay = "";
      chosen = null;
      hits = [];
      found = Date.now().toString(36);
      rows.clear();
      list = el("ul", { class: "rail found" });
      byId("rows").replaceChildren(items.length ? list : nothing());
    }
    if (may("replay")) hits.push(...items.map((one) => exceptionHit(one, ids)).filter(Boolean));
    keepHits(found, location.pathname + location.search, { ...asked(), verdict, limit: PAGE }, hits, cursor, "/exceptions");
    const fresh = items.flatMap(row);
    list.append(...fresh);
    show(byId("more"), Boolean(next));
    if (more) fresh.find((item) => rows.has(item))?.focus();
    else if (back) goBack(back.line);
  } catch (error) {
    if (mine !== turn) return;
    if (more) toast(error.message);
    else byId("rows").replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, el("b", null, _("The exceptions could not be read.")), " ", error.message)));
  } finally {
    if (mine === turn) byId("more").disabled = false;
  }
}

/** Where one was: the exception that was watched last. */
function goBack(id) {
  const item = list.querySelector(`[data-id="${CSS.escape(id)}"]`);
  item?.scrollIntoView({ block: "center" });
  item?.focus({ preventScroll: true });
}

function step(by) {
  const items = [...rows.keys()];
  items[Math.min(items.length - 1, Math.max(0, items.indexOf(chosen) + by))]?.focus();
}

// ── what is found meanwhile ──

let soon = 0;

/** Say how many more there are by now; nothing moves under who reads. */
async function comeMore() {
  const count = await tellCounts().catch(() => listed);
  const more = count - listed;
  if (more > 0 && !rows.size) return load();
  byId("fresh").textContent = ngettext("Show {count} more", "Show {count} more", more);
  return show(byId("fresh"), more > 0);
}

byId("fresh").addEventListener("click", async () => {
  await load();
  step(1);
});
const socket = new LiveSocket();
socket.onException(() => {
  document.dispatchEvent(new CustomEvent("exception"));
  clearTimeout(soon);
  soon = setTimeout(comeMore, SOON_MS);
});
followSettings(socket, () => { for (const item of rows.keys()) item.redraw(); });

for (const choice of form.parentNode.querySelectorAll("[name=counted]")) {
  choice.checked = choice.value === remembered("exceptions-by", "seller");
  choice.addEventListener("change", () => { remember("exceptions-by", countedBy()); tellCounts().catch(() => {}); });
}
byId("more").addEventListener("click", () => load(true));
onKeys(["ArrowDown"], _("Row after"), () => step(1));
onKeys(["ArrowUp"], _("Row before"), () => step(-1));
onKeys(["N"], _("Row after, with Shift the one before"), (event) => step(event.shiftKey ? -1 : 1));
for (const [key, words, name] of VERDICT_KEYS) onKeys(name === "checking" ? [key, "L"] : [key], words(), () => judge(chosen, { verdict: name }));
onKeys(["Enter"], _("Watch"), () => {
  const way = chosen?.querySelector("a.btn");
  if (way) way.click();
  else if (chosen) toast(_("No camera that you may see watched this."));
});
const rules = new Rules(byId("rules"), byId("editor"), byId("add"), { only: (id) => filter({ rule: id }), known: fillChoices });
if (!CHOSEN.some((name) => first.get(name))) load(); // else once these can be chosen
