// Mails: the form of the mail server, a test, who gets which, and the queue.

import { Refusal, askJson, query } from "./api.js";
import { el, icon, show } from "./dom.js";
import { tellFault } from "./faults.js";
import { mailState, mailTime } from "./mail_rows.js";
import { byId, facts, may } from "./page.js";
import { _, ngettext } from "./texts.js";
import { toast } from "./toast.js";

const PAGE = 50;
const NUMBERS = new Set(["port", "life_hour"]);
const PORTS = { none: 25, starttls: 587, tls: 465 };
const form = byId("form");
const fields = [...form.elements].filter((field) => field.name);
let saved = null;

// ── the form ──
const shown = (field) => (field.type === "checkbox" ? field.checked : field.name === "password" ? field.value : field.value.trim());
const stored = (field) => (field.name === "password" ? "" : field.type === "checkbox" ? saved[field.name] : String(saved[field.name]));
const isChanged = (field) => saved !== null && shown(field) !== stored(field);

/** Show what is set; `written`: fields that somebody has written in before it was known. */
function fill(written = new Set()) {
  for (const field of fields.filter((one) => !written.has(one))) {
    if (field.type === "checkbox") field.checked = stored(field);
    else field.value = stored(field);
    tellFault(field, "");
  }
  const note = saved.has_password ? _("Known and kept. Type only to change it.") : "";
  byId("f-password").placeholder = note;
  tellUnsaved();
  tellState();
}

function changes() {
  const body = {};
  for (const field of fields.filter(isChanged)) {
    const value = shown(field);
    if (!NUMBERS.has(field.name)) body[field.name] = value;
    else if (value !== "") body[field.name] = Number(value);
  }
  return body;
}

function tellUnsaved() {
  const count = fields.filter(isChanged).length;
  byId("unsaved").textContent = count ? ngettext("{count} change not saved", "{count} changes not saved", count) : "";
}

function tellState() {
  const waits = saved.waiting ? ngettext("{count} mail waits.", "{count} mails wait.", saved.waiting) : _("No mail waits.");
  byId("summary").textContent = saved.on ? waits : _("No mail is sent: there is no mail server yet.");
  const missing = saved.without_address;
  show(byId("missing"), missing.length > 0);
  byId("missing").querySelector("span").textContent = _("These users may get mails and have no address: {names}.", { names: missing.join(", ") });
}

function refused(error) {
  const field = error instanceof Refusal && error.field ? form.elements[error.field] ?? byId(`f-${error.field}`) : null;
  if (!field) {
    toast(error.message);
    return;
  }
  tellFault(field, error.message);
  field.focus();
}

/** Do `work` while `button` shows that it is under way. */
async function busy(button, work) {
  button.classList.add("busy");
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    refused(error);
  } finally {
    button.classList.remove("busy");
    button.disabled = false;
  }
}

byId("f-security").addEventListener("change", () => {
  const port = byId("f-port");
  if (Object.values(PORTS).includes(Number(port.value))) port.value = PORTS[byId("f-security").value];
  tellUnsaved();
});
for (const field of fields) {
  field.addEventListener("input", () => { tellFault(field, ""); tellUnsaved(); });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(byId("save"), async () => {
    saved = await askJson("/mail", { method: "PATCH", body: changes() });
    fill();
    toast(_("It is saved and acts at once."));
  });
});
byId("putback").addEventListener("click", () => fill());
addEventListener("beforeunload", (event) => { if (fields.some(isChanged)) event.preventDefault(); });

// ── the test ──
const outcome = (kind, image, words) => byId("outcome").replaceChildren(el("li", null, el("span", { class: kind }, icon(image)), el("b", null, words)));

byId("try").addEventListener("submit", (event) => {
  event.preventDefault();
  tellFault(byId("f-to"), "");
  outcome("faint", "clock", _("Trying. This takes up to a minute."));
  busy(byId("send"), async () => {
    try {
      const told = await askJson("/mail/test", { method: "POST", body: { ...changes(), to: byId("f-to").value.trim() } });
      if (told.ok) outcome("ok-c", "ok", _("The mail server took the mail. Look whether it arrives."));
      else outcome("bad-c", "x", _(told.text, told.values));
    } catch (error) {
      byId("outcome").replaceChildren();
      throw error;
    }
  });
});

// ── who gets what ──
async function loadPeople() {
  if (!may("users")) return;
  const [people, profiles] = await Promise.all([askJson("/mail/users"), askJson("/mail/profiles")]);
  byId("people").replaceChildren(el("table", { class: "tbl" },
    el("thead", null, el("tr", null, [_("User"), _("Profile"), _("Mail address"), ""].map((words) => el("th", { scope: "col" }, words)))),
    el("tbody", null, people.items.map(person))));
  byId("profiles").replaceChildren(el("table", { class: "tbl" },
    el("thead", null, el("tr", null, [_("Profile"), _("Alarms"), _("Lost cameras"), _("Contacts"), _("Erased recordings"), _("Sign of life")].map((words) => el("th", { scope: "col" }, words)))),
    el("tbody", null, profiles.items.map(profile))));
}

function person(one) {
  const input = el("input", { class: "in", type: "email", value: one.email, maxlength: "254", autocomplete: "off", "aria-label": _("Mail address of {name}", { name: one.user }) });
  const button = el("button", { class: "btn sm", type: "button" }, _("Save"));
  const box = el("div", { class: "field" }, input);
  const flag = el("span", { class: "warn-c state", hidden: !one.flagged }, icon("warn"), _("no address"));
  const save = () => busy(button, async () => {
    tellFault(input, "");
    try {
      const told = await askJson(`/mail/users/${encodeURIComponent(one.user)}`, { method: "PATCH", body: { email: input.value.trim() } });
      input.value = told.email;
      show(flag, told.flagged);
    } catch (error) {
      if (error.field !== "email") throw error;
      tellFault(input, error.message);
      input.focus();
      return;
    }
    toast(_("It is saved and acts at once."));
    await tellStateAnew();
  });
  button.addEventListener("click", save);
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") save(); });
  return el("tr", null, el("td", null, one.user, one.locked ? ` (${_("locked")})` : ""), el("td", null, _(one.profile)), el("td", null, box, flag), el("td", null, button));
}

function profile(one) {
  const name = _(one.profile);
  const change = (body) => askJson(`/mail/profiles/${encodeURIComponent(one.profile)}`, { method: "PATCH", body })
    .then(() => toast(_("It is saved and acts at once.")), (error) => { refused(error); return loadPeople(); })
    .then(tellStateAnew).catch(refused);
  const tick = (key, words) => el("td", null, el("label", { class: "check" }, el("input", {
    type: "checkbox", checked: one[key], "aria-label": `${name}: ${words}`, onchange: (event) => change({ [key]: event.target.checked }),
  })));
  return el("tr", null, el("td", null, name), cameras(one, "alarms", _("Alarms"), change), cameras(one, "lost", _("Lost cameras"), change),
    tick("contacts", _("Contacts")), tick("purge", _("Erased recordings")), tick("life", _("Sign of life")), tick("rules", _("Exceptions")));
}

/** Of all cameras, of none, or of some: their boxes show when some are chosen. */
function cameras(one, key, words, change) {
  const value = one[key];
  const which = value === null ? "all" : value.length ? "some" : "none";
  const boxes = el("div", { class: "camboxes" }, facts.cameras.map((camera) => el("label", { class: "check" },
    el("input", { type: "checkbox", value: camera.id, checked: value?.includes(camera.id) ?? false, onchange: () => change({ [key]: [...boxes.querySelectorAll("input:checked")].map((box) => Number(box.value)) }) }),
    `${camera.id}, ${camera.name}`)));
  show(boxes, which === "some");
  const choices = { all: _("of all cameras"), some: _("of some cameras"), none: _("of none") };
  const list = el("select", { class: "in", "aria-label": `${_(one.profile)}: ${words}` },
    Object.entries(choices).map(([name, choice]) => el("option", { value: name, selected: name === which }, choice)));
  list.addEventListener("change", () => {
    show(boxes, list.value === "some");
    if (list.value !== "some") change({ [key]: list.value === "all" ? null : [] });
  });
  return el("td", null, list, boxes);
}

// ── the queue ──
let cursor = null;

const row = (mail) => el("tr", null, mailTime(mail), el("td", null, mail.subject), el("td", null, mail.recipient), mailState(mail));

async function loadQueue(more = false) {
  const { items, next } = await askJson(`/mail/queue${query({ limit: PAGE, cursor: more ? cursor : "" })}`);
  cursor = next;
  show(byId("more"), Boolean(next));
  if (more) {
    byId("queue").querySelector("tbody").append(...items.map(row));
  } else if (items.length) {
    byId("queue").replaceChildren(el("table", { class: "tbl" },
      el("thead", null, el("tr", null, [_("Time"), _("Subject"), _("To"), _("State")].map((words) => el("th", { scope: "col" }, words)))),
      el("tbody", null, items.map(row))));
  } else {
    byId("queue").replaceChildren(el("p", { class: "quiet" }, _("There was none.")));
  }
}

async function tellStateAnew() {
  const { waiting, without_address } = await askJson("/mail");
  saved = { ...saved, waiting, without_address };
  tellState();
}

byId("more").addEventListener("click", () => loadQueue(true).catch(refused));
byId("again").addEventListener("click", () => busy(byId("again"), async () => { await loadQueue(); await tellStateAnew(); }));

const empty = new Map(fields.map((field) => [field, shown(field)]));
askJson("/mail").then((settings) => { saved = settings; fill(new Set(fields.filter((field) => shown(field) !== empty.get(field)))); }).catch(refused);
loadPeople().catch(refused);
loadQueue().catch(refused);
