// The exceptions: what the rules found, with the picture of the instant, judged by buttons or keys; and the rules.

import { askJson, query } from "./api.js";
import { deedWords } from "./deeds.js";
import { el, icon, show } from "./dom.js";
import { onKeys } from "./keys.js";
import { byId, facts, may } from "./page.js";
import { Rules } from "./rules.js";
import { _, figure } from "./texts.js";
import { clock, dayOf, shortDay } from "./time.js";
import { toast } from "./toast.js";

const PAGE = 50;
const TABS = [["new", () => _("To review")], ["checking", () => _("Being checked")], ["harmless", () => _("Harmless")], ["real", () => _("Confirmed")], ["", () => _("All")]];
const BADGES = { new: ["new", "◆", () => _("New")], checking: ["look", "◇", () => _("Being checked")], harmless: ["ok", "✓", () => _("Harmless")], real: ["conf", "◇", () => _("Confirmed")] };
const asked = new URLSearchParams(location.search);
let verdict = asked.get("verdict") ?? "new";
let cursor = null;
let turn = 0;
let lastDay = "";
let list = null;
let chosen = null; // the row whose decisions are open
const rows = new Map(); // element -> exception

async function tellCounts() {
  const counts = await askJson(`/exceptions/counts${query({ rule: asked.get("rule") })}`);
  byId("tabs").replaceChildren(...TABS.map(([name, words]) => el("a", { href: `?verdict=${name}`, role: "tab", "aria-selected": name === verdict ? "true" : "false", onclick: (event) => { event.preventDefault(); choose(name); } }, words(), counts[name] ? el("span", { class: "count" }, figure(counts[name])) : null)));
}

function choose(name) {
  verdict = name;
  history.replaceState(null, "", `/exceptions${query({ verdict: name === "new" ? "" : name || "all", rule: asked.get("rule") })}`);
  load();
}

function row(one) {
  const at = Date.parse(one.at);
  const day = dayOf(at);
  const parts = day === lastDay ? [] : [el("li", { class: "day" }, shortDay(at))];
  lastDay = day;
  const camera = one.cameras.find((id) => facts.cameras.some((known) => known.id === id));
  const shownAt = Date.parse(one.picture_at);
  const way = camera !== undefined && may("replay") ? `/replay/${camera}?at=${(shownAt / 1000).toFixed(3)}` : null;
  const still = way ? el("img", { class: "thumb", alt: "", loading: "lazy", src: `/api/v1/cameras/${camera}/snapshot.jpg?at=${(shownAt / 1000).toFixed(3)}`, onerror: ({ target }) => target.classList.add("gone") }) : el("span", { class: "thumb" });
  const item = el("li", { tabindex: 0, class: `e-${one.verdict}` });
  rows.set(item, one);
  const who = [_("Till {name}", { name: one.source }), one.seller && _("cashier {name}", { name: one.seller }), one.text].filter(Boolean).join(" · ");
  const told = el("p");
  const what = el("div", { class: "what" }, el("b", null, one.rule), el("p", null, who), el("p", null, deedWords(one.deed), one.figure ? ` · ${one.figure}` : ""), told);
  const badge = el("span");
  item.append(el("time", { datetime: one.at }, clock(at)), still, what, el("div", { class: "end" }, el("span", { class: "mono" }, one.amount && figure(Number(one.amount), 2)), badge));
  let acts = null;
  item.redraw = () => { // what stays is left where it is: a button that is being pressed, a note that is being written
    const now = rows.get(item);
    const [kind, mark, words] = BADGES[now.verdict];
    item.className = `e-${now.verdict}${item === chosen ? " sel" : ""}`;
    told.textContent = now.reviewed_by && `${now.reviewed_by}${now.comment ? `: “${now.comment}”` : ""}`;
    show(told, Boolean(now.reviewed_by));
    badge.className = `badge ${kind}`;
    badge.replaceChildren(`${mark} `, words());
    if (item === chosen && !acts) what.append(acts = actions(item, way));
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

function select(item) {
  if (chosen === item) return;
  const before = chosen;
  chosen = item;
  before?.redraw();
  item?.redraw();
}

function actions(item, way) {
  const button = (words, name, kind = "btn sm") => el("button", { class: kind, type: "button", onclick: () => judge(item, { verdict: name }) }, words);
  const note = el("input", { class: "in sm", "aria-label": _("Note"), placeholder: _("Note"), maxlength: 500, value: rows.get(item).comment });
  note.addEventListener("change", () => judge(item, { comment: note.value }));
  note.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Escape") item.focus(); // the keys judge again
  });
  const again = button(_("To review"), "new");
  const acts = el("div", { class: "acts" }, way ? el("a", { class: "btn sm", href: way }, icon("play"), _("Watch")) : null,
    button(_("Harmless"), "harmless"), button(_("Confirm"), "real"), button(_("Check it"), "checking"), again, note);
  acts.tell = ({ verdict: judged, comment }) => {
    show(again, judged !== "new");
    if (note !== document.activeElement) note.value = comment;
  };
  return acts;
}

/** Send what was judged or noted: one after the other, as it was seen when its turn comes. */
function judge(item, body) {
  if (item) item.sent = (item.sent ?? Promise.resolve()).then(() => send(item, body));
}

async function send(item, body) {
  const { id, verdict: before } = rows.get(item);
  try {
    rows.set(item, await askJson(`/exceptions/${id}`, { method: "PATCH", body: "verdict" in body ? { ...body, before } : body }));
  } catch (error) {
    toast(error.message);
    if (error.status !== 409) return;
  }
  try {
    if (rows.get(item).verdict === before && body.verdict) rows.set(item, await askJson(`/exceptions/${id}`)); // somebody was quicker
    item.redraw();
    if (item.contains(document.activeElement) && document.activeElement.closest("[hidden]")) item.focus();
    await tellCounts();
  } catch (error) {
    toast(error.message);
  }
}

async function load(more = false) {
  const mine = ++turn;
  if (verdict === "all") verdict = "";
  try {
    const [{ items, next }] = await Promise.all([askJson(`/exceptions${query({ verdict, rule: asked.get("rule"), limit: PAGE, cursor: more ? cursor : "" })}`), tellCounts()]);
    if (mine !== turn) return;
    cursor = next;
    if (!more) {
      lastDay = "";
      chosen = null;
      rows.clear();
      list = el("ul", { class: "rail found" });
      byId("rows").replaceChildren(items.length ? list : el("div", { class: "empty" }, icon("ok", "i big"), el("h2", null, verdict === "new" ? _("Nothing to review") : _("No exception here")), el("p", null, _("A rule that is switched on shows here what it finds."))));
    }
    for (const one of items) list.append(...row(one));
    show(byId("more"), Boolean(next));
  } catch (error) {
    if (mine === turn) byId("rows").replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, el("b", null, _("The exceptions could not be read.")), " ", error.message)));
  }
}

function step(by) {
  const items = [...rows.keys()];
  items[Math.min(items.length - 1, Math.max(0, items.indexOf(chosen) + by))]?.focus();
}

byId("more").addEventListener("click", () => load(true));
onKeys(["ArrowDown", "N"], _("Row after"), () => step(1));
onKeys(["ArrowUp"], _("Row before"), () => step(-1));
onKeys(["H"], _("Harmless"), () => judge(chosen, { verdict: "harmless" }));
onKeys(["C"], _("Confirm"), () => judge(chosen, { verdict: "real" }));
onKeys(["L"], _("Check it"), () => judge(chosen, { verdict: "checking" }));
onKeys(["U"], _("To review"), () => judge(chosen, { verdict: "new" }));
onKeys(["Enter"], _("Watch"), () => chosen?.querySelector("a.btn")?.click());
load();
new Rules(byId("rules"), byId("editor"), byId("add"));
