// The external log: every line of every till, searched by one box; each hit opens the replay at its second.

import { ask, askJson, query } from "./api.js";
import { el, icon, show } from "./dom.js";
import { countWords, drawChart } from "./hit_chart.js";
import { HitWall } from "./hit_wall.js";
import { hitOf, hitWay, keepHits, watchedHit } from "./hits.js";
import { onKeys } from "./keys.js";
import { answerWords, endsTicket, instantOfLine, isSpecial, isStruck, settingsOf, shown, specialWord, tiedQuery, whenWords } from "./lines.js";
import { byId, facts, may, remember, remembered } from "./page.js";
import { followSettings } from "./settings.js";
import { LiveSocket } from "./socket.js";
import { otherSeller, specialCost } from "./ticket.js";
import { _, figure, ngettext } from "./texts.js";
import { clock, dayOf, shortDay } from "./time.js";
import { toast } from "./toast.js";

const PAGE = 60;
const LARGEST_PAGE = 1000;
const MOST_LOOSENED = 8;
const FIELDS = ["date", "from", "to", "time", "till", "ticket", "seller", "tender", "code", "amount_min", "amount_max", "camera", "type"];
const form = byId("search");
const box = form.elements.q;
const ids = facts.cameras.map(({ id }) => id);
let asked = ""; // the query whose results are shown
let cursor = null;
let conditions = []; // as they were understood
let words = []; // what is looked for in texts
let lines = [];
let hits = [];
let found = ""; // what tells this search from others of this tab
let places = new Map(); // id of a line → its place among the hits
let body = null;
let wall = null;
let lastDay = "";
let counted = null; // how many lines there are over time
let stepping = Promise.resolve();
let named = null; // the search that is given a name
let coming = null; // the next page, while it is fetched
let searching = new AbortController(); // the question that is asked now: another one overtakes it

// ── the box and the form ──

/** Have the box read, with what the form says if `fields` of it are to be heard; draws how it was understood. */
async function read(fields, signal) {
  const names = Object.keys(fields);
  const typed = box.value;
  const stood = written();
  const told = await askJson(`/lines/query${query({ q: typed.trim(), fields: names.join(","), ...fields })}`, { signal });
  asked = names.length || told.conditions.length ? told.q : typed.trim();
  if (box.value === typed) box.value = asked; // who went on typing keeps what was typed
  words = told.words;
  fillForm(told.form, stood);
  drawReading(told);
}

function formValues() {
  const values = Object.fromEntries(new FormData(form));
  const hours = values.hour_from || values.hour_to;
  values.time = hours ? `${values.hour_from || "00:00"}-${values.hour_to || "24:00"}` : "";
  return Object.fromEntries(FIELDS.map((name) => [name, (values[name] ?? "").trim()]));
}

/** What each field of the form holds. */
const written = () => new Map([...form.elements].map((field) => [field, field.value]));

/** Show what was `told`; a field that held something else when it `stood` so is being written in, and is left alone. */
function fillForm(told, stood) {
  for (const name of FIELDS) {
    const field = form.elements[name === "time" ? "hour_from" : name];
    const value = told[name] ?? "";
    if (stood.get(field) !== field.value) continue;
    if (name === "time") [form.elements.hour_from.value, form.elements.hour_to.value] = value && !value.includes(",") ? value.replace("24:00", "").split("-") : ["", ""];
    else if (name === "type") {
      field.checked = value === "S";
      choose(form.elements.event, value === "S" ? "" : value);
    }
    else if (field.tagName === "SELECT") choose(field, value);
    else field.value = field.type === "date" ? (/^\d{4}-\d\d-\d\d$/.test(value) ? value : "") : value;
  }
  const count = new Set(Object.keys(told).map((name) => name.replace(/_(min|max)$/, ""))).size;
  byId("show-filters").firstElementChild.textContent = count ? ngettext("{count} filter", "{count} filters", count) : _("Filters");
  show(byId("clear"), asked !== "");
}

/** Choose `value` in a list, also one that is not in it. */
function choose(list, value) {
  list.querySelector("[data-own]")?.remove();
  if (![...list.options].some((option) => option.value === value)) list.append(el("option", { value, "data-own": true }, value));
  list.value = value;
}

function drawReading(told) {
  conditions = told.conditions;
  const chips = conditions.map(({ text, value, field, without, turned }) => {
    const [before, after] = text.split("{value}");
    const plain = text.replace("{value}", () => value);
    const inside = field === "word" ? [before, el("b", { class: "mono" }, value), after] : [el("b", null, plain)];
    const turn = el("button", { type: "button", class: "turn", title: _("The opposite"), "aria-label": _("The opposite of: {condition}", { condition: plain }), onclick: () => searchFor(turned) }, "≠");
    const cross = el("button", { type: "button", "aria-label": _("Remove: {condition}", { condition: plain }), onclick: () => searchFor(without) }, icon("x"));
    return el("span", { class: "chip" }, el("span", { class: "chipwords" }, inside), turn, cross);
  });
  const notes = told.notes.map((note) => el("span", { class: "small readnote" }, icon("info"), note));
  byId("readas").replaceChildren(...(chips.length ? [el("span", null, _("Understood as"))] : []), ...chips, ...notes);
  show(byId("readas"), chips.length + notes.length > 0);
}

function tellAddress() {
  history.replaceState(null, "", `/log${query({ q: asked })}`);
}

// ── asking ──

async function searchFor(text) {
  box.value = text;
  await search();
}

/** Look for what the box says; `fields`: what the form says first; `back`: the hit that one comes back to. */
async function search(fields = {}, back = null) {
  const { signal } = searching = overtaken();
  begin();
  try {
    await read(fields, signal);
    tellAddress();
    for (const id of ["csv", "pdf"]) byId(id).href = `/api/v1/lines.${id}${query({ q: asked })}`;
    const counting = askJson(`/lines/hits${query({ q: asked })}`, { signal }).catch(() => null);
    const limit = back ? Math.min(LARGEST_PAGE, Math.ceil((back.place + 2) / PAGE) * PAGE) : PAGE;
    take(await askJson(`/lines${query({ q: asked, limit })}`, { signal }));
    if (back) await goBack(back);
    const answer = await counting;
    if (signal.aborted) return;
    counted = answer;
    drawCount();
    if (counted?.items) drawChart(byId("hits"), counted, chooseTime);
  } catch (error) {
    if (!signal.aborted) failed(error);
  }
}

/** For a question that is asked now: no answer to one before it is waited for. */
function overtaken() {
  searching.abort();
  return new AbortController();
}

/** Where one was: the hit watched last, though lines came in meanwhile. */
async function goBack({ line }) {
  if (!places.has(line) && cursor) await more();
  if (!places.has(line)) return;
  const link = byId("rows").querySelector(`a[href="${CSS.escape(wayOf({ id: line }))}"]`);
  link?.scrollIntoView({ block: "center" });
  link?.focus({ preventScroll: true });
}

/** The page behind the last one; asked for again while it comes, the same. */
function more() {
  coming ??= fetchMore().finally(() => { coming = null; });
  return coming;
}

async function fetchMore() {
  const { signal } = searching;
  byId("more").disabled = true;
  try {
    take(await askJson(`/lines${query({ q: asked, limit: PAGE, cursor })}`, { signal }));
  } catch (error) {
    if (!signal.aborted) toast(error.message);
  }
  byId("more").disabled = false;
}

function take(answer) {
  if (!lines.length && !answer.items.length) {
    empty();
    return;
  }
  if (!lines.length) byId("rows").replaceChildren(frame());
  cursor = answer.next;
  for (const line of answer.items) add(line);
  keepHits(found, location.pathname + location.search, { q: asked, limit: PAGE }, hits, cursor);
  drawCount();
  show(byId("more"), Boolean(cursor));
  byId("more").disabled = false;
}

function add(line) {
  lines.push(line);
  const hit = may("replay") ? hitOf(line, ids) : null;
  if (hit) {
    places.set(line.id, hits.length);
    hits.push(hit);
  }
  draw(line);
}

function wayOf(line) {
  const place = places.get(line.id);
  return place === undefined ? null : hitWay(hits[place], place, found);
}

// ── states ──

function begin() {
  cursor = null;
  counted = null;
  lines = [];
  hits = [];
  found = Date.now().toString(36);
  places = new Map();
  show(byId("more"), false);
  show(byId("hits"), false);
  byId("found").textContent = _("Looking through the tickets…");
  byId("rows").replaceChildren(el("div", { class: "waiting", "aria-busy": "true" }, Array.from({ length: 6 }, () => el("div", { class: "sk" }))));
}

function failed(error) {
  byId("found").textContent = "";
  byId("rows").replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, el("b", null, _("The search failed.")), " ", error.message)));
}

function empty() {
  byId("found").textContent = "";
  const any = box.value !== "";
  byId("rows").replaceChildren(el("div", { class: "empty" },
    icon("ticket", "i big"),
    el("h2", null, any ? _("No line matches") : _("No tickets yet")),
    el("p", null, any ? _("Fewer conditions find more. Part of a word is enough; accents and capitals do not matter.") : facts.ports.pos ? _("As soon as a till sends a line to port {port} of this server it stands here.", { port: facts.ports.pos }) : _("As soon as a till says something it stands here.")),
    el("div", { class: "loosen", id: "loosen", hidden: true }),
    any ? el("button", { class: "btn", type: "button", onclick: () => searchFor("") }, _("Look at all lines")) : may("settings") ? el("a", { class: "btn", href: "/capture" }, _("Connect a till")) : null));
  loosen().catch(() => {}); // a hint: the page says what it knows
}

/** Say which one of the conditions is too many: without it there are lines. */
async function loosen() {
  const { signal } = searching;
  if (conditions.length < 2) return;
  const answers = await Promise.all(conditions.slice(0, MOST_LOOSENED).map(({ without }) => askJson(`/lines${query({ q: without, limit: 1 })}`, { signal })));
  const helping = conditions.filter((_condition, place) => answers[place]?.items.length);
  const words = helping.map(({ text, value, without }) => el("button", { class: "btn", type: "button", onclick: () => searchFor(without) }, icon("x"), text.replace("{value}", () => value)));
  byId("loosen").replaceChildren(el("span", { class: "quiet" }, helping.length ? _("There are lines without:") : _("No single one of the conditions is to blame: take away several.")), ...words);
  show(byId("loosen"), true);
}

/** Look at the lines from one day, or minute, to another. */
function chooseTime(from, to) {
  search({ date: from === to ? from : "", from: from === to ? "" : from, to: from === to ? "" : to });
}

function drawCount() {
  const shownWords = cursor ? _("The newest {count} lines", { count: figure(lines.length) }) : ngettext("{count} line", "{count} lines", lines.length);
  const tickets = new Set(lines.map(({ ticket_id }) => ticket_id).filter(Boolean)).size;
  const onTickets = !cursor && tickets && tickets !== lines.length ? el("span", { class: "quiet" }, " ", ngettext("on {count} ticket", "on {count} tickets", tickets)) : null;
  if (!counted) {
    if (lines.length) byId("found").replaceChildren(el("b", null, shownWords), ...(onTickets ? [onTickets] : []));
    return;
  }
  if (cursor && counted.items) byId("found").replaceChildren(el("b", null, countWords(counted)), el("span", { class: "quiet" }, " ", _("– the newest {count} are shown", { count: figure(lines.length) })));
}

// ── results ──

const isWall = () => byId("v-wall").checked;

function frame() {
  lastDay = "";
  if (isWall()) {
    wall = new HitWall(wayOf, marked);
    return wall.element;
  }
  return table();
}

function draw(line) {
  if (isWall()) wall.append(line);
  else body.append(...row(line));
}

function table() {
  const heads = [["", "hide-s"], [_("Time")], [_("Till")], [_("Ticket"), "hide-s"], [_("Cashier"), "hide-s"], [_("Line")], [_("Amount"), "r"], ["", "hide-s"]];
  body = el("tbody");
  return el("table", { class: "tbl lines" }, el("thead", null, el("tr", null, heads.map(([text, kind], place) => el("th", { class: kind, scope: "col" }, text || (place === 0 ? el("span", { class: "vh" }, _("Day")) : ""))))), body);
}

function row(line) {
  const at = instantOfLine(line);
  const day = dayOf(at);
  const { quantity, text, amount } = shown(line);
  const special = isSpecial(line);
  const article = special ? [...(specialWord(line) ? [...marked(specialWord(line)), " "] : []), isStruck(line) ? el("s", null, marked(text)) : marked(text)] : marked(text);
  const newDay = day !== lastDay;
  lastDay = day;
  const way = wayOf(line);
  const cells = [
    el("td", { class: "hide-s day" }, newDay ? shortDay(at) : ""),
    el("td", { class: "mono", title: whenWords(line) === clock(at) ? null : whenWords(line) }, way ? el("a", { href: way }, clock(at)) : clock(at)),
    el("td", { class: "mono", title: line.source }, settingsOf(line.source).label || line.source),
    el("td", { class: "mono hide-s" }, line.ticket && line.ticket !== "0" ? line.ticket : ""),
    el("td", { class: "hide-s" }, otherSeller(line) ?? marked(line.seller)),
    el("td", { class: `mono what${special ? " void" : ""}${endsTicket(line) ? " end" : ""}` }, line.follows ? el("span", { class: "answers", title: answerWords(lines.find(({ id }) => id === line.follows)) }, "↳ ") : null, quantity && quantity !== "1" ? `${quantity} × ` : "", article, tiedQuery(line) ? [" ", el("a", { href: `/log${query({ q: tiedQuery(line) })}` }, _("Ticket of the pump"))] : null),
    el("td", { class: `r${special ? " void" : ""}` }, special ? specialCost(line) : amount),
    el("td", { class: "r hide-s" }, way ? icon("play") : null),
  ];
  const item = el("tr", { class: way ? "goes" : null, onclick: way ? (event) => { if (!event.target.closest("a")) location.assign(way); } : null }, cells);
  const head = newDay ? [el("tr", { class: "dayrow phone-row" }, el("td", { colspan: 8 }, shortDay(at)))] : [];
  return [...head, item];
}

const plain = (text) => text.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();

/** `text` as nodes, what was looked for under the highlighter. */
function marked(text) {
  const searched = plain(text);
  if (searched.length !== text.length) return [text];
  const found = words.map(plain).map((word) => [searched.indexOf(word), word.length]).filter(([place, length]) => place >= 0 && length);
  found.sort(([a], [b]) => a - b);
  const nodes = [];
  let reached = 0;
  for (const [place, length] of found) {
    if (place < reached) continue;
    nodes.push(text.slice(reached, place), el("mark", null, text.slice(place, place + length)));
    reached = place + length;
  }
  return [...nodes, text.slice(reached)].filter((node) => node !== "");
}

function redraw() {
  if (!lines.length) return;
  byId("rows").replaceChildren(frame());
  lines.forEach(draw);
}

/** What tills or their lines are called is another: drawn anew where one stands. */
function settled() {
  const [height, place] = [scrollY, links().indexOf(document.activeElement)];
  redraw();
  scrollTo(scrollX, height);
  if (place >= 0) links()[place]?.focus({ preventScroll: true });
}
followSettings(new LiveSocket(), settled);

// ── searches that are kept ──

async function drawKept() {
  const { items } = await askJson("/searches").catch(() => ({ items: [] }));
  byId("kept-list").replaceChildren(...items.map((kept) => el("div", { class: "keptrow" },
    el("button", { type: "button", title: kept.q, onclick: () => { byId("kept").open = false; searchFor(kept.q); } }, icon("search"), el("span", null, kept.name)),
    el("button", { type: "button", class: "forget", "aria-label": _("Rename {name}", { name: kept.name }), onclick: () => askName(kept) }, icon("edit")),
    el("button", { type: "button", class: "forget", "aria-label": _("Forget {name}", { name: kept.name }), onclick: () => forget(kept) }, icon("x")))));
  show(byId("keep"), asked !== "");
  if (!items.length && !asked) byId("kept-list").append(el("p", { class: "small quiet menu-head" }, _("Search for something first: it can be kept here under a name.")));
}

async function forget(kept) {
  try {
    await ask(`/searches/${kept.id}`, { method: "DELETE" });
    toast(_("{name} is forgotten.", { name: kept.name }), { words: _("Undo"), run: () => keep(kept.name, kept.q) });
  } catch (error) {
    toast(error.message);
  }
  drawKept();
}

async function keep(name, q) {
  try {
    await ask("/searches", { method: "POST", body: { name, q } });
    toast(_("Kept as {name}.", { name }));
  } catch (error) {
    toast(error.message);
  }
  drawKept();
}

byId("kept").addEventListener("toggle", ({ target }) => { if (target.open) drawKept(); });

async function rename(kept, name) {
  try {
    await ask(`/searches/${kept.id}`, { method: "PATCH", body: { name } });
    toast(_("Renamed to {name}.", { name }));
  } catch (error) {
    toast(error.message);
  }
}

/** Have a name written: for the search that is shown, or another one for `kept`. */
function askName(kept = null) {
  named = kept ?? { name: "", q: asked };
  byId("kept").open = false;
  byId("naming-title").textContent = kept ? _("Rename this search") : _("Keep this search");
  byId("naming-keep").textContent = kept ? _("Rename") : _("Keep");
  byId("naming-q").textContent = named.q;
  byId("naming-name").value = named.name;
  show(byId("naming-hint"), !kept);
  byId("naming").returnValue = "";
  byId("naming").showModal();
}
byId("keep").addEventListener("click", () => askName());
byId("naming-cancel").addEventListener("click", () => byId("naming").close(""));
byId("naming").addEventListener("close", ({ target }) => {
  const name = byId("naming-name").value.trim();
  if (target.returnValue !== "keep") return;
  if (named.id) rename(named, name);
  else keep(name, named.q);
});
for (const menu of document.querySelectorAll("details.drop")) {
  document.addEventListener("click", ({ target }) => { if (!menu.contains(target)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
byId("exports").addEventListener("click", ({ target, currentTarget }) => { if (target.closest("a")) currentTarget.open = false; });

// ── events ──

byId("show-filters").addEventListener("click", ({ currentTarget }) => {
  const open = byId("filters").classList.toggle("open");
  currentTarget.setAttribute("aria-expanded", open);
});
form.addEventListener("submit", (event) => { event.preventDefault(); search(); });
form.addEventListener("reset", (event) => { event.preventDefault(); searchFor(""); });
byId("filters").addEventListener("change", ({ target }) => {
  if (target.name === "event") return search({ type: target.value }); // the one or the other
  const name = target.name.startsWith("hour_") ? "time" : target.name;
  const others = target.value === "" ? [] : name === "date" ? ["from", "to"] : ["from", "to"].includes(name) ? ["date"] : [];
  return search({ ...Object.fromEntries(others.map((other) => [other, ""])), [name]: formValues()[name] });
});
form.elements.event.append(...Object.entries(facts.events ?? {}).map(([code, name]) => el("option", { value: code }, `${code} · ${name}`)));
show(byId("event-field"), [...byId("sources").options].some(({ value }) => /^[A-Z][A-Z0-9]{0,2}:\d+$/.test(value)));
byId("more").addEventListener("click", async () => {
  const count = links().length;
  await more();
  links()[count]?.focus();
});
for (const id of ["v-wall", "v-list"]) byId(id).addEventListener("change", () => {
  remember("search-view", isWall() ? "wall" : "list");
  redraw();
});

/** The hit that has the focus, shown as the chosen one. */
byId("rows").addEventListener("focusin", ({ target }) => {
  for (const old of document.querySelectorAll("#rows .sel")) old.classList.remove("sel");
  target.closest(".hit, tr")?.classList.add("sel");
});

const links = () => [...document.querySelectorAll("#rows a.hit, #rows tbody td:first-child + td a")];

/** To the hit after the chosen one, or before it; behind the last one the next page is fetched. One step waits for another. */
function focusHit(step) {
  stepping = stepping.then(async () => {
    const chosen = document.querySelector("#rows .sel");
    const next = Math.max(0, links().findIndex((link) => link === chosen || chosen?.contains(link)) + step);
    if (next >= links().length && cursor) await more();
    (links()[next] ?? links().at(-1))?.focus();
  });
}
onKeys(["ArrowDown"], _("Hit after"), () => focusHit(1));
onKeys(["ArrowUp"], _("Hit before"), () => focusHit(-1));
onKeys(["N"], _("Next hit, with Shift the one before"), (event) => focusHit(event.shiftKey ? -1 : 1));
onKeys(["Enter"], _("Watch the hit"), () => (document.querySelector("#rows .sel a, #rows a.sel") ?? links()[0])?.click());

byId(remembered("search-view", "wall") === "list" ? "v-list" : "v-wall").checked = true;
box.value = new URLSearchParams(location.search).get("q") ?? "";
search({}, watchedHit(location.pathname + location.search));
