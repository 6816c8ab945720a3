// The external log: every line of every till, searched; each row opens the replay at its second.

import { askJson, query } from "./api.js";
import { el, icon, show } from "./dom.js";
import { onKeys } from "./keys.js";
import { endsTicket, instantInPicture, isSpecial, isStruck, shown } from "./lines.js";
import { byId, facts, may } from "./page.js";
import { specialCost } from "./ticket.js";
import { _, figure, ngettext } from "./texts.js";
import { clock, dayEnd, dayOf, dayStart, iso, shortDay } from "./time.js";

const PAGE = 100;
const form = byId("search");
const asked = new URLSearchParams(location.search);
let cursor = null;
let count = 0;
let lastDay = "";
let turn = 0;
let body = null;

/** What the form asks for, as `GET /lines` takes it. */
function wanted() {
  const values = Object.fromEntries(new FormData(form));
  const number = (words) => (words ?? "").trim().replace(/\s/g, "").replace(",", ".");
  return {
    text: values.text.trim(), source: values.source.trim(), ticket: values.ticket.trim(), seller: values.seller.trim(),
    amount_min: number(values.amount_min), amount_max: number(values.amount_max),
    start: values.from ? iso(dayStart(values.from)) : "", stop: values.until ? iso(dayEnd(values.until)) : "",
    type: values.cancelled ? "S" : "",
  };
}

function tellAddress() {
  const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim() !== ""));
  history.replaceState(null, "", `/log${query(values)}`);
}

/** How many conditions there are besides the words, on the button that opens them; "Clear" is there when there is something to clear. */
function tellFilters() {
  const given = [...new FormData(form)].filter(([, value]) => value.trim() !== "");
  const count = given.filter(([name]) => name !== "text").length;
  byId("show-filters").firstElementChild.textContent = count ? ngettext("{count} filter", "{count} filters", count) : _("Filters");
  show(byId("clear"), given.length > 0);
}

async function search(more = false) {
  const mine = ++turn;
  tellFilters();
  if (!more) begin();
  byId("more").disabled = true;
  let answer;
  try {
    answer = await askJson(`/lines${query({ ...wanted(), limit: PAGE, cursor: more ? cursor : "" })}`);
  } catch (error) {
    if (mine === turn) failed(error);
    return;
  }
  if (mine !== turn) return; // another question was asked meanwhile
  cursor = answer.next;
  if (!more && !answer.items.length) {
    empty();
    return;
  }
  if (!more) byId("rows").replaceChildren(table());
  for (const line of answer.items) body.append(...row(line));
  count += answer.items.length;
  byId("found").replaceChildren(el("b", null, cursor ? _("The newest {count} lines", { count: figure(count) }) : ngettext("{count} line", "{count} lines", count)));
  show(byId("more"), Boolean(cursor));
  byId("more").disabled = false;
}

function begin() {
  cursor = null;
  count = 0;
  lastDay = "";
  show(byId("more"), false);
  byId("found").textContent = _("Looking through the tickets…");
  byId("rows").replaceChildren(el("div", { class: "waiting", "aria-busy": "true" }, Array.from({ length: 6 }, () => el("div", { class: "sk" }))));
}

function failed(error) {
  byId("found").textContent = "";
  byId("rows").replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, el("b", null, _("The search failed.")), " ", error.message)));
}

function empty() {
  byId("found").textContent = "";
  const any = Object.values(wanted()).some(Boolean);
  byId("rows").replaceChildren(el("div", { class: "empty" },
    icon("ticket", "i big"),
    el("h2", null, any ? _("No line matches") : _("No tickets yet")),
    el("p", null, any ? _("Fewer conditions find more. Part of a word is enough; accents and capitals do not matter.") : _("As soon as a till sends a line to port 8010 of this server it stands here.")),
    any ? el("button", { class: "btn", type: "button", onclick: () => form.querySelector("[type=reset]").click() }, _("Look at all lines")) : null));
}

function table() {
  const heads = [["", "hide-s"], [_("Time")], [_("Till")], [_("Ticket"), "hide-s"], [_("Cashier"), "hide-s"], [_("Line")], [_("Amount"), "r"], ["", "hide-s"]];
  body = el("tbody");
  return el("table", { class: "tbl lines" }, el("thead", null, el("tr", null, heads.map(([words, kind], place) => el("th", { class: kind, scope: "col" }, words || (place === 0 ? el("span", { class: "vh" }, _("Day")) : ""))))), body);
}

function row(line) {
  const at = Date.parse(line.received_at);
  const day = dayOf(at);
  const { quantity, text, amount } = shown(line);
  const special = isSpecial(line);
  const article = special ? [line.special ? `${line.special} ` : "", isStruck(line) ? el("s", null, marked(text)) : marked(text)] : [marked(text)];
  const newDay = day !== lastDay;
  lastDay = day;
  const camera = line.cameras.find((id) => facts.cameras.some((known) => known.id === id));
  const way = camera !== undefined && may("replay") ? `/replay/${camera}?at=${instantInPicture(line) / 1000}` : null;
  const cells = [
    el("td", { class: "hide-s day" }, newDay ? shortDay(at) : ""),
    el("td", { class: "mono" }, way ? el("a", { href: way }, clock(at)) : clock(at)),
    el("td", { class: "mono" }, line.source),
    el("td", { class: "mono hide-s" }, line.ticket && line.ticket !== "0" ? line.ticket : ""),
    el("td", { class: "hide-s" }, line.seller),
    el("td", { class: `mono what${special ? " void" : ""}${endsTicket(line) ? " end" : ""}` }, quantity && quantity !== "1" ? `${quantity} × ` : "", article),
    el("td", { class: `r${special ? " void" : ""}` }, special ? specialCost(line) : amount),
    el("td", { class: "r hide-s" }, way ? icon("play") : null),
  ];
  const item = el("tr", { class: way ? "goes" : null, onclick: way ? (event) => { if (!event.target.closest("a")) location.assign(way); } : null }, cells);
  const head = newDay ? [el("tr", { class: "dayrow phone-row" }, el("td", { colspan: 8 }, shortDay(at)))] : [];
  return [...head, item];
}

/** `text` with what was looked for under the highlighter. */
function marked(text) {
  const sought = form.elements.text.value.trim();
  if (!sought) return text;
  const plain = (words) => words.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();
  const place = plain(text).indexOf(plain(sought));
  if (place < 0 || plain(text).length !== text.length) return text;
  return el("span", null, text.slice(0, place), el("mark", null, text.slice(place, place + sought.length)), text.slice(place + sought.length));
}

for (const [name, value] of asked) {
  const field = form.elements[name];
  if (field?.type === "checkbox") field.checked = value === "1";
  else if (field) field.value = value;
}
byId("show-filters").addEventListener("click", ({ currentTarget }) => {
  const open = byId("filters").classList.toggle("open");
  currentTarget.setAttribute("aria-expanded", open);
});
form.addEventListener("submit", (event) => { event.preventDefault(); tellAddress(); search(); });
form.addEventListener("reset", () => setTimeout(() => { tellAddress(); search(); }));
form.addEventListener("change", (event) => { if (event.target.name !== "text") { tellAddress(); search(); } });
byId("more").addEventListener("click", () => search(true));

function focusRow(step) {
  const links = [...document.querySelectorAll(".lines tbody a")];
  const place = links.indexOf(document.activeElement);
  links[Math.min(links.length - 1, Math.max(0, place + step))]?.focus();
}
onKeys(["ArrowDown"], _("Row after"), () => focusRow(1));
onKeys(["ArrowUp"], _("Row before"), () => focusRow(-1));
search();
