// The external log: every line of every till, searched by one box; each hit opens the replay at its second.

import { ask, askJson, query } from "./api.js";
import { el, icon, show } from "./dom.js";
import { countWords, drawChart } from "./hit_chart.js";
import { HitWall } from "./hit_wall.js";
import { hitOf, hitWay, keepHits } from "./hits.js";
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
const FIELDS = ["date", "from", "to", "time", "till", "ticket", "seller", "tender", "code", "amount_min", "amount_max", "camera", "type"];
const form = byId("search");
const box = form.elements.q;
const ids = facts.cameras.map(({ id }) => id);
let asked = ""; // the query whose results are shown
let cursor = null;
let words = []; // what is looked for in texts
let lines = [];
let hits = [];
let places = new Map(); // id of a line → its place among the hits
let body = null;
let wall = null;
let lastDay = "";
let turn = 0;

// ── the box and the form ──

/** Have the box read, with what the form says if `fields` of it are to be heard; draws how it was understood. */
async function read(fields = {}) {
  const names = Object.keys(fields);
  const told = await askJson(`/lines/query${query({ q: box.value.trim(), fields: names.join(","), ...fields })}`);
  box.value = names.length || told.conditions.length ? told.q : box.value.trim();
  words = told.words;
  fillForm(told.form);
  drawReading(told);
  return told;
}

function formValues() {
  const values = Object.fromEntries(new FormData(form));
  const hours = values.hour_from || values.hour_to;
  values.time = hours ? `${values.hour_from || "00:00"}-${values.hour_to || "24:00"}` : "";
  return Object.fromEntries(FIELDS.map((name) => [name, (values[name] ?? "").trim()]));
}

function fillForm(told) {
  for (const name of FIELDS) {
    const field = form.elements[name];
    const value = told[name] ?? "";
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
  show(byId("clear"), box.value !== "");
}

/** Choose `value` in a list, also one that is not in it. */
function choose(list, value) {
  list.querySelector("[data-own]")?.remove();
  if (![...list.options].some((option) => option.value === value)) list.append(el("option", { value, "data-own": true }, value));
  list.value = value;
}

function drawReading({ conditions, notes }) {
  const chips = conditions.map(({ text, value, field, without }) => {
    const [before, after] = text.split("{value}");
    const plain = text.replace("{value}", value);
    const inside = field === "word" ? [before, el("b", { class: "mono" }, value), after] : [el("b", null, plain)];
    const cross = el("button", { type: "button", "aria-label": _("Remove: {condition}", { condition: plain }), onclick: () => searchFor(without) }, icon("x"));
    return el("span", { class: "chip" }, el("span", { class: "chipwords" }, inside), cross);
  });
  const told = notes.map((note) => el("span", { class: "small readnote" }, icon("info"), note));
  byId("readas").replaceChildren(...(chips.length ? [el("span", null, _("Read as"))] : []), ...chips, ...told);
  show(byId("readas"), chips.length + told.length > 0);
}

function tellAddress() {
  history.replaceState(null, "", `/log${query({ q: box.value })}`);
}

// ── asking ──

async function searchFor(text) {
  box.value = text;
  await search();
}

/** Look for what the box says; `fields`: what the form says first. */
async function search(fields = {}) {
  const mine = ++turn;
  begin();
  try {
    await read(fields);
    if (mine !== turn) return; // another question was asked meanwhile
    tellAddress();
    asked = box.value;
    for (const id of ["csv", "pdf"]) byId(id).href = `/api/v1/lines.${id}${query({ q: asked })}`;
    const counting = askJson(`/lines/hits${query({ q: asked })}`).catch(() => null);
    take(await askJson(`/lines${query({ q: asked, limit: PAGE })}`));
    const counted = await counting;
    if (mine === turn) drawCount(counted);
  } catch (error) {
    if (mine === turn) failed(error);
  }
}

async function more() {
  const mine = turn;
  byId("more").disabled = true;
  try {
    const answer = await askJson(`/lines${query({ q: asked, limit: PAGE, cursor })}`);
    if (mine === turn) take(answer);
  } catch (error) {
    if (mine === turn) toast(error.message);
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
  keepHits(location.pathname + location.search, { q: asked, limit: PAGE }, hits, cursor);
  drawCount(null);
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
  return place === undefined ? null : hitWay(hits[place], place);
}

// ── states ──

function begin() {
  cursor = null;
  lines = [];
  hits = [];
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
    any ? el("button", { class: "btn", type: "button", onclick: () => searchFor("") }, _("Look at all lines")) : may("settings") ? el("a", { class: "btn", href: "/capture" }, _("Connect a till")) : null));
}

function drawCount(counted) {
  const shownWords = cursor ? _("The newest {count} lines", { count: figure(lines.length) }) : ngettext("{count} line", "{count} lines", lines.length);
  const tickets = new Set(lines.map(({ ticket_id }) => ticket_id).filter(Boolean)).size;
  const onTickets = !cursor && tickets && tickets !== lines.length ? el("span", { class: "quiet" }, " ", ngettext("on {count} ticket", "on {count} tickets", tickets)) : null;
  if (!counted) {
    if (lines.length) byId("found").replaceChildren(el("b", null, shownWords), ...(onTickets ? [onTickets] : []));
    return;
  }
  drawChart(byId("hits"), counted, (from, to) => search({ date: from === to ? from : "", from: from === to ? "" : from, to: from === to ? "" : to }));
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
  const [height, place] = [scrollY, hitLinks().indexOf(document.activeElement)];
  redraw();
  scrollTo(scrollX, height);
  if (place >= 0) hitLinks()[place]?.focus({ preventScroll: true });
}
followSettings(new LiveSocket(), settled);

// ── searches that are kept ──

async function drawKept() {
  const { items } = await askJson("/searches").catch(() => ({ items: [] }));
  byId("kept-list").replaceChildren(...items.map((kept) => el("div", { class: "keptrow" },
    el("button", { type: "button", title: kept.q, onclick: () => { byId("kept").open = false; searchFor(kept.q); } }, icon("search"), el("span", null, kept.name)),
    el("button", { type: "button", class: "forget", "aria-label": _("Forget {name}", { name: kept.name }), onclick: () => forget(kept) }, icon("x")))));
  show(byId("keep"), box.value !== "");
  if (!items.length && !box.value) byId("kept-list").append(el("p", { class: "small quiet menu-head" }, _("Search for something first: it can be kept here under a name.")));
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
byId("keep").addEventListener("click", () => {
  byId("kept").open = false;
  byId("naming-q").textContent = box.value;
  byId("naming-name").value = "";
  byId("naming").returnValue = "";
  byId("naming").showModal();
});
byId("naming").addEventListener("close", ({ target }) => { if (target.returnValue === "keep") keep(byId("naming-name").value.trim(), box.value); });
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
  return search({ [name]: formValues()[name] });
});
form.elements.event.append(...Object.entries(facts.events ?? {}).map(([code, name]) => el("option", { value: code }, `${code} · ${name}`)));
show(byId("event-field"), [...byId("sources").options].some(({ value }) => /^[A-Z][A-Z0-9]{0,2}:\d+$/.test(value)));
byId("more").addEventListener("click", more);
for (const id of ["v-wall", "v-list"]) byId(id).addEventListener("change", () => {
  remember("search-view", isWall() ? "wall" : "list");
  redraw();
});

/** The hit that has the focus, shown as the chosen one. */
byId("rows").addEventListener("focusin", ({ target }) => {
  for (const old of document.querySelectorAll("#rows .sel")) old.classList.remove("sel");
  target.closest(".hit, tr")?.classList.add("sel");
});

const hitLinks = () => [...document.querySelectorAll("#rows a.hit, #rows tbody a")];

function focusHit(step) {
  const links = hitLinks();
  const chosen = document.querySelector("#rows .sel");
  const place = links.findIndex((link) => link === chosen || chosen?.contains(link));
  links[Math.min(links.length - 1, Math.max(0, place + step))]?.focus();
  if (place + step >= links.length && cursor) byId("more").focus();
}
onKeys(["ArrowDown"], _("Hit after"), () => focusHit(1));
onKeys(["ArrowUp"], _("Hit before"), () => focusHit(-1));
onKeys(["N"], _("Next hit, with Shift the one before"), (event) => focusHit(event.shiftKey ? -1 : 1));
onKeys(["Enter"], _("Watch the hit"), () => document.querySelector("#rows .sel a, #rows a.sel, #rows a.hit, #rows tbody a")?.click());

byId(remembered("search-view", "wall") === "list" ? "v-list" : "v-wall").checked = true;
box.value = new URLSearchParams(location.search).get("q") ?? "";
search();
