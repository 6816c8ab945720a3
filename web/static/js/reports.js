// Reports: cashiers, tills, days or hours side by side, and one of them over days or hours; as tables and drawn.

import { askJson, query } from "./api.js";
import { el, icon } from "./dom.js";
import { ErasedNote } from "./kept.js";
import { sourceName, tillName } from "./lines.js";
import { byId, facts, may, remember, remembered } from "./page.js";
import { STRIKING, bars, columns } from "./report_charts.js";
import { _, figure } from "./texts.js";
import { dayEnd, dayOf, dayStart, iso, now, shortDay } from "./time.js";

const DAY_MS = 86400000;
const KINDS = { voids: () => _("Cancelled"), returns: () => _("Returned"), discounts: () => _("Discounts"), gifts: () => _("Gifts and losses"), no_sales: () => _("Drawer without a sale") };
const COURSES = ["seller", "source"]; // what can be followed over time
const FEWEST = 3; // of fewer there is no usual figure
const form = byId("asked");
const fields = form.elements;
const address = new URLSearchParams(location.search);
let chosen = address.get("key"); // whose course is shown; null for none
let turn = 0;
const erased = new ErasedNote(form, "lines");

fields.kind.append(...Object.entries(KINDS).map(([name, words]) => el("option", { value: name }, words())));
fields.until.value = address.get("to") ?? dayOf(now());
fields.from.value = address.get("from") ?? dayOf(now() - 6 * DAY_MS);
fields.by.value = address.get("by") ?? remembered("report-by", "seller");
fields.kind.value = address.get("kind") ?? "voids";
fields.measure.value = address.get("measure") ?? "per_hundred";
fields.over.value = address.get("over") ?? "day";

const isRatio = () => fields.measure.value === "per_hundred";
const isMoney = () => fields.measure.value === "amount";

/** What is measured of a kind: to a hundred sales, how often, or for how much; null where that is not known. */
const measured = ({ count, per_hundred: ratio, amount }) => (isRatio() ? ratio : isMoney() ? (amount === null ? (count ? null : 0) : Number(amount)) : count);

const wanted = () => ({ by: fields.by.value, start: iso(dayStart(fields.from.value)), stop: iso(dayEnd(fields.until.value)) });
const isTime = (by) => by === "hour" || by === "day";

function keyWords(by, key) {
  if (by === "hour") return `${key}:00`;
  if (by === "day") return shortDay(dayStart(key));
  if (by === "source") return sourceName(key);
  return key || _("not named");
}

/** The log's address for a question; "" where nobody may read it, or it cannot be asked. */
const wayTo = (q) => (q && may("lines") ? `/log${query({ q })}` : "");

function cell(words, way, kind = "r mono") {
  return el("td", { class: kind }, way && words !== "0" ? el("a", { href: way }, words) : words);
}

const isStriking = ({ count, times_usual: times }) => times !== null && times >= STRIKING && count > 2;

/** A row's figures: of each kind how many, and how many to a hundred sales; in a course what is usual, too. */
function figureCells(item, isCourse) {
  return Object.keys(KINDS).flatMap((kind) => {
    const { count, per_hundred: ratio, amount, times_usual: times, q, usual } = item[kind];
    const title = isStriking(item[kind]) ? _("{times} times the usual", { times: figure(times) }) : null;
    const second = isMoney()
      ? el("td", { class: "r mono" }, amount === null ? "" : figure(Number(amount), 2))
      : isCourse
      ? el("td", { class: "r mono quiet" }, usual === null ? "" : figure(usual, 1))
      : el("td", { class: `r mono${title ? " bad-c" : ""}`, title }, ratio === null ? "" : figure(ratio, 1), title ? ` ×${figure(times)}` : "");
    return [cell(figure(count), wayTo(q), `r mono${isCourse && title ? " bad-c" : ""}`), second];
  });
}

function head(second) {
  const heads = [["", ""], [_("Sales"), "r"], [_("Total"), "r"], ...Object.values(KINDS).flatMap((words) => [[words(), "r"], [second, "r"]])];
  return el("thead", null, el("tr", null, heads.map(([words, kind]) => el("th", { class: kind, scope: "col" }, words))));
}

function row(by, item, isCourse = false) {
  const words = keyWords(by, item.key);
  const follow = () => choose(item.key);
  const name = COURSES.includes(by) && !isCourse ? el("button", { class: "linklike", type: "button", "aria-pressed": String(item.key === chosen), title: _("Show over time"), onclick: follow }, words) : words;
  return el("tr", { class: !isCourse && item.key === chosen ? "sel" : null }, el("th", { class: "mono", scope: "row" }, name), cell(figure(item.sales), wayTo(item.q)), cell(item.total === null ? "" : figure(Number(item.total), 2)), figureCells(item, isCourse));
}

function table({ by, items, usual }) {
  const foot = el("tr", { class: "usual" }, el("td", null, _("Usual (median)")), el("td"), el("td"), Object.keys(KINDS).flatMap((kind) => [el("td"), el("td", { class: "r mono" }, usual[kind] === null || isMoney() ? "" : figure(usual[kind], 1))]));
  return el("table", { class: "tbl report" }, head(secondWords()), el("tbody", null, inOrder(by, items).map((item) => row(by, item))), el("tfoot", null, foot));
}

/** What stands beside how often. */
const secondWords = () => (isMoney() ? _("amount") : _("to 100 sales"));

/** Cashiers and tills with the most of what is drawn on top; hours and days as they follow. */
function inOrder(by, items) {
  if (isTime(by)) return items;
  const size = (item) => measured(item[fields.kind.value]) ?? -1;
  return items.toSorted((one, other) => size(other) - size(one) || keyWords(by, one.key).localeCompare(keyWords(by, other.key), facts.language, { numeric: true }));
}

// ── drawing ──

/** What is drawn of an item: {words, value, usual, striking, way}. */
function point(by, item, usual) {
  const kind = fields.kind.value;
  return { words: by === "hour" ? item.key : keyWords(by, item.key), value: measured(item[kind]), usual, striking: isStriking(item[kind]), way: wayTo(item[kind].q) };
}

function titleOf() {
  const what = KINDS[fields.kind.value]();
  if (isMoney()) return _("{what}, for how much", { what });
  return isRatio() ? _("{what} to a hundred sales", { what }) : _("{what}, how often", { what });
}

const digits = () => (isMoney() ? 2 : isRatio() ? 1 : 0);

/** The middle one of these figures; null of too few. */
function median(figures) {
  if (figures.length < FEWEST) return null;
  const ordered = figures.toSorted((one, other) => one - other);
  const half = ordered.length / 2;
  return (ordered[Math.floor(half)] + ordered[Math.ceil(half) - 1]) / 2;
}

function chart({ by, items, usual }) {
  const kind = fields.kind.value;
  const middle = isRatio() ? usual[kind] : median(items.map((item) => measured(item[kind])).filter((value) => value !== null));
  const points = inOrder(by, items).map((item) => point(by, item, middle));
  return isTime(by) ? columns(points, titleOf(), digits()) : bars(points, middle, titleOf(), digits());
}

function course({ by, key, over, items }) {
  const usualOf = ({ usual_per_hundred: ratio, usual }) => (isMoney() ? null : isRatio() ? ratio : usual);
  const points = items.map((item) => point(over, item, usualOf(item[fields.kind.value])));
  return [el("div", { class: "row wrap" }, el("h2", null, by === "seller" ? _("Cashier {name}", { name: key || _("not named") }) : tillName(key)), el("span", { class: "grow" }),
    el("a", { class: "btn sm", href: `/api/v1/reports/course.csv${query({ ...wanted(), over })}&key=${encodeURIComponent(key)}` }, icon("exp"), _("For spreadsheets (CSV)"))),
    columns(points, titleOf(), digits()),
    el("div", { class: "scrolls" }, el("table", { class: "tbl report" }, head(isMoney() ? secondWords() : _("usual of the others")), el("tbody", null, items.map((item) => row(over, item, true)))))];
}

// ── asking ──

function choose(key) {
  chosen = key === chosen ? null : key;
  load().then(() => { if (chosen !== null) byId("course").scrollIntoView({ behavior: "smooth", block: "nearest" }); });
}

function tellAddress() {
  const { by, from, until, kind, measure, over } = fields;
  history.replaceState(null, "", `/reports${query({ by: by.value, from: from.value, to: until.value, kind: kind.value, measure: measure.value, over: over.value })}${chosen === null ? "" : `&key=${encodeURIComponent(chosen)}`}`);
}

async function load() {
  const mine = ++turn;
  if (!fields.from.value || !fields.until.value) return;
  if (!COURSES.includes(fields.by.value)) chosen = null;
  remember("report-by", fields.by.value);
  erased.begins(dayStart(fields.from.value));
  tellAddress();
  byId("csv").href = `/api/v1/reports.csv${query(wanted())}`;
  try {
    const [found, followed] = await Promise.all([
      askJson(`/reports${query(wanted())}`),
      chosen === null ? null : askJson(`/reports/course${query({ ...wanted(), key: chosen, over: fields.over.value })}`),
    ]);
    if (mine !== turn) return;
    byId("chart").replaceChildren(chart(found));
    byId("rows").replaceChildren(found.items.length ? table(found) : el("div", { class: "empty" }, icon("ticket", "i big"), el("h2", null, _("No ticket in this time"))));
    byId("course-fields").hidden = !followed;
    byId("course").replaceChildren(...(followed ? course(followed) : []));
  } catch (error) {
    if (mine !== turn) return;
    byId("chart").replaceChildren();
    byId("course").replaceChildren();
    byId("rows").replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, el("b", null, _("The report could not be made.")), " ", error.message)));
  }
}

fields.by.addEventListener("change", () => { chosen = null; });
form.addEventListener("change", load);
form.addEventListener("submit", (event) => event.preventDefault());
load();
