// The journal: what the server did or suffered.

import { el } from "./dom.js";
import { FilterBar } from "./filters.js";
import { byId, facts } from "./page.js";
import { PagedList, nothing, rail } from "./paged_list.js";
import { profileWords } from "./rights.js";
import { _, figure } from "./texts.js";
import { clock, dateWords, dayStart } from "./time.js";
import { codecWords } from "./words.js";

const ERASED = new Set(["lines_will_go", "lines_gone", "journals_will_go", "journals_gone"]);
const somebody = _("Somebody");
const profileNamed = (values) => Object.fromEntries(["profile", "before", "origin"].filter((key) => key in values).map((key) => [key, profileWords(values[key])]));
const named = (values) => ({
  ...values, ...profileNamed(values), ...(values.codec ? { codec: codecWords(values.codec) } : {}),
  ...(values.why ? { why: _(values.why, values) } : {}), ...(values.right ? { right: _(values.right) } : {}),
});
const counted = (values) => Object.fromEntries(Object.entries(values).map(([key, value]) => [key, typeof value === "number" ? figure(value) : value]));
const erased = ({ text, values }) => (ERASED.has(text) ? { ...counted(values), day: dateWords(dayStart(values.day)) } : {});
const who = ({ user, values }) => user || (values.user ? _(values.user, values) : somebody);
const words = (entry) => _(facts.journal[entry.text] ?? entry.text, { ...named(entry.values), ...erased(entry), user: who(entry) });

function said(entry) {
  const at = Date.parse(entry.at);
  const about = facts.cameras.find(({ id }) => id === entry.camera);
  const sentence = facts.journal[entry.text] ?? ""; // what it names is not named again below it
  const aside = [about && !sentence.includes("{name}") ? _("Camera {id}, {name}", about) : "", sentence.includes("{user}") ? "" : entry.user].filter(Boolean).join(" · ");
  return { at, node: el("li", null, el("time", { datetime: entry.at }, clock(at)), el("div", { class: "what" }, el("span", null, words(entry)), aside ? el("p", null, aside) : null)) };
}

const bar = new FilterBar(byId("asked"), () => list.load(), { kept: "journals" });
const list = new PagedList(byId("rows"), byId("more"), "/journal", {
  asked: () => bar.asked,
  ...rail("", said),
  empty: () => (Object.keys(bar.values).length ? nothing("journal", _("No entry matches"))() : nothing("journal", _("Nothing is written here yet"))()),
  failed: _("The journal could not be read."),
});
list.load();
