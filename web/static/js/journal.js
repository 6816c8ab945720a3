// The journals: what the server did or suffered.

import { askJson, query } from "./api.js";
import { el, icon, show } from "./dom.js";
import { byId, facts } from "./page.js";
import { _ } from "./texts.js";
import { clock, dayOf, shortDay } from "./time.js";
import { codecWords } from "./words.js";

const PAGE = 100;
let kind = "";
let cursor = null;
let lastDay = "";
let turn = 0;
let list = null;

const somebody = _("Somebody");
const named = (values) => ({ ...values, ...(values.codec ? { codec: codecWords(values.codec) } : {}), ...(values.why ? { why: _(values.why, values) } : {}) });
const words = (entry) => _(facts.journal[entry.text] ?? entry.text, { ...named(entry.values), user: entry.user || somebody });

function row(entry) {
  const at = Date.parse(entry.at);
  const day = dayOf(at);
  const parts = day === lastDay ? [] : [el("li", { class: "day" }, shortDay(at))];
  lastDay = day;
  const about = facts.cameras.find(({ id }) => id === entry.camera);
  const said = facts.journal[entry.text] ?? ""; // what the sentence names is not named again below it
  const aside = [about && !said.includes("{name}") ? _("Camera {id}, {name}", about) : "", said.includes("{user}") ? "" : entry.user].filter(Boolean).join(" · ");
  return [...parts, el("li", null, el("time", { datetime: entry.at }, clock(at)), el("div", { class: "what" }, el("span", null, words(entry)), aside ? el("p", null, aside) : null))];
}

async function load(more = false) {
  const mine = ++turn;
  if (!more) byId("rows").replaceChildren(el("div", { class: "waiting", "aria-busy": "true" }, Array.from({ length: 6 }, () => el("div", { class: "sk" }))));
  try {
    const { items, next } = await askJson(`/journal${query({ kind, limit: PAGE, cursor: more ? cursor : "" })}`);
    if (mine !== turn) return;
    cursor = next;
    if (!more) {
      lastDay = "";
      list = el("ul", { class: "rail journal" });
      byId("rows").replaceChildren(items.length ? list : el("div", { class: "empty" }, icon("journal", "i big"), el("h2", null, _("Nothing is written here yet"))));
    }
    for (const entry of items) list.append(...row(entry));
    show(byId("more"), Boolean(next));
  } catch (error) {
    if (mine === turn) byId("rows").replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, el("b", null, _("The journal could not be read.")), " ", error.message)));
  }
}

for (const button of byId("kinds").querySelectorAll("button")) {
  button.addEventListener("click", () => {
    for (const other of byId("kinds").querySelectorAll("button")) other.setAttribute("aria-pressed", other === button);
    kind = button.dataset.kind;
    load();
  });
}
byId("more").addEventListener("click", () => load(true));
load();
