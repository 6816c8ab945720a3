// The form of one camera: filled from the API, checked field by field, saved by what changed.

import { Refusal, ask, askJson } from "./api.js";
import { followStates, stateMark, stateWords } from "./camera_list.js";
import { CameraInputs } from "./camera_inputs.js";
import { CameraTest } from "./camera_test.js";
import { el, icon, show } from "./dom.js";
import { whileSeen } from "./links.js";
import { tellFault } from "./faults.js";
import { byId, facts } from "./page.js";
import { LivePicture } from "./picture.js";
import { _, ngettext } from "./texts.js";
import { toast } from "./toast.js";

const DEFAULTS = { id: "", http_port: 80, channel: 1, transport: "tcp", codec: "", regular: { calendar: "always", days: null }, alarm: { calendar: "always", popup_calendar: "always", mail_calendar: "never", pre_seconds: 5, post_seconds: 20, days: null }, mail: { lost_calendar: "never", grace_seconds: 60, most_per_hour: 20 }, events: { enabled: false, motion: true, audio: false, tampering: true, inputs: [] }, overlay_ids: [], stop_streams_automatically: false };
const NUMBERS = new Set(["id", "http_port", "channel", "regular.days", "alarm.pre_seconds", "alarm.post_seconds", "alarm.days", "mail.grace_seconds", "mail.most_per_hour"]);

const form = byId("form");
const camera = facts.cameras.find(({ id }) => id === facts.camera) ?? null;
const fields = [...form.elements].filter((field) => field.name);
const LOOK_MS = 2000;
let saved = DEFAULTS;
const inputs = camera ? new CameraInputs(byId("inputs"), byId("told"), () => tellUnsaved()) : null;

// ── between the form and the API ──
const part = (whole, name) => name.split(".").reduce((value, key) => value?.[key], whole);

function toField(value) {
  if (value === null || value === undefined) return "";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function fromField(name, words) {
  if (name === "overlay_ids") return words.split(",").map((word) => word.trim()).filter(Boolean);
  if (NUMBERS.has(name)) return words.trim() === "" ? null : Number(words);
  return name === "password" ? words : words.trim();
}

const storedIn = (field) => (field.type === "checkbox" ? part(saved, field.name) ?? false : field.name === "password" ? "" : toField(part(saved, field.name)));
const shownIn = (field) => (field.type === "checkbox" ? field.checked : field.value);

/** Show what is set; `written`: fields that somebody has written in before it was known. */
function fill(written = new Set()) {
  for (const field of fields.filter((one) => !written.has(one))) {
    if (field.type === "checkbox") field.checked = storedIn(field);
    else field.value = storedIn(field);
  }
  inputs?.fill(saved.events.inputs);
  tellUnsaved();
}

const isChanged = (field) => shownIn(field) !== storedIn(field);

/** What changed, in the API's shape. */
function changes() {
  const body = {};
  for (const field of fields.filter(isChanged)) {
    const value = field.type === "checkbox" ? field.checked : fromField(field.name, field.value);
    const [group, key] = field.name.split(".");
    if (value === null && !field.name.endsWith(".days")) continue; // an emptied number keeps its value
    if (key) body[group] = { ...body[group], [key]: value };
    else body[group] = value;
  }
  if (inputs?.isChanged) body.events = { ...body.events, inputs: inputs.read() };
  return body;
}

// ── checks ──
function fault(field) {
  const words = field.value.trim();
  if (field.name === "name" && !words) return _("A camera needs a name.");
  if (["url", "sub_url"].includes(field.name) && words && !/^(rtsp|https?):\/\/[^\s/]+/i.test(words)) return _("It begins with rtsp:// or http:// and has no spaces.");
  if (field.name === "url") {
    if (!words && !(form.elements.address.value.trim() && form.elements.model.value.trim())) return _("Where does the picture come from? Give this address, or the model and the network address.");
  }
  if (field.name === "address" && /[\s/]/.test(words)) return _("Only the name or the numbers, without http:// and without a path.");
  if (NUMBERS.has(field.name) && words && !(Number.isInteger(Number(words)) && Number(words) >= Number(field.min || 0) && Number(words) <= Number(field.max || Infinity))) return _("A whole number from {min} to {max}.", { min: field.min || 0, max: field.max || "…" });
  return "";
}

const changesCount = () => fields.filter(isChanged).length + (inputs?.isChanged ? 1 : 0);

function tellUnsaved() {
  const count = changesCount();
  byId("unsaved").textContent = count ? ngettext("{count} change not saved", "{count} changes not saved", count) : "";
}

function check() {
  for (const field of fields) tellFault(field, fault(field));
  const wrong = form.querySelector(".field.bad .in");
  if (!wrong) return true;
  wrong.closest("details")?.setAttribute("open", "");
  wrong.focus();
  return false;
}

for (const field of fields) {
  field.addEventListener("blur", () => { if (isChanged(field) || field.closest(".bad")) tellFault(field, fault(field)); });
  field.addEventListener("input", tellUnsaved);
}

// ── saving ──
function refused(error) {
  const field = error instanceof Refusal && error.field ? form.elements[error.field] ?? form.elements[`regular.${error.field}`] ?? inputs?.field(error.field) : null;
  if (field?.closest(".field")) {
    field.closest("details")?.setAttribute("open", "");
    tellFault(field, error.message);
    field.focus();
  } else {
    toast(error.message);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!check()) return;
  byId("save").classList.add("busy");
  try {
    const body = changes();
    if (camera) {
      saved = await askJson(`/cameras/${camera.id}`, { method: "PATCH", body });
      if (saved.id !== camera.id) location.replace(`/cameras/${saved.id}`);
      fill();
      toast(_("{name} is saved. What changed acts at once.", { name: saved.name }));
    } else {
      const made = await askJson("/cameras", { method: "POST", body });
      leaving = true;
      location.assign(`/live/${made.id}`);
    }
  } catch (error) {
    refused(error);
  } finally {
    byId("save").classList.remove("busy");
  }
});

byId("putback").addEventListener("click", () => {
  fill();
  for (const field of fields) tellFault(field, "");
});

let leaving = false;
addEventListener("beforeunload", (event) => { if (!leaving && changesCount()) event.preventDefault(); });

byId("remove")?.addEventListener("click", () => byId("sure").showModal());
byId("sure").addEventListener("close", async () => {
  if (byId("sure").returnValue !== "remove") return;
  try {
    await ask(`/cameras/${camera.id}`, { method: "DELETE" });
    leaving = true;
    location.assign("/cameras");
  } catch (error) {
    refused(error);
  }
});

// ── around the form ──
/** One event becomes many alarms when the triggers come slower than the recording lasts. */
function tellPieces({ advised_post_seconds: seconds }) {
  show(byId("pieces"), seconds !== null);
  byId("pieces").querySelector("span").textContent = _("The triggers of one event come so slowly that it falls into several alarms. Record {count} seconds after the last trigger.", { count: seconds });
}

function drawList() {
  const links = facts.cameras.map((one) => {
    const { words, kind } = stateWords(one);
    return el("a", { href: `/cameras/${one.id}`, "aria-current": one === camera ? "page" : null },
      el("span", { class: "n" }, one.id), el("span", null, one.name, el("small", { class: kind === "lost" ? "alarm-c" : null }, words)), stateMark(kind));
  });
  byId("camlist").replaceChildren(...links, el("div", { class: "addcam" }, el("a", { class: "btn wide", href: "/cameras/new" }, icon("plus"), _("Add a camera"))));
}

new CameraTest(byId("test"), byId("steps"), byId("tested"), camera, changes);
drawList();
const socket = followStates(facts.cameras, drawList);
if (camera) {
  new LivePicture(byId("look"), camera, socket);
  const empty = new Map(fields.map((field) => [field, shownIn(field)]));
  askJson(`/cameras/${camera.id}`).then((whole) => { saved = whole; fill(new Set(fields.filter((field) => shownIn(field) !== empty.get(field)))); }, refused);
  whileSeen(LOOK_MS, () => askJson(`/cameras/${camera.id}/status`).then((state) => { tellPieces(state); inputs.tell(state.events); }, () => {}));
} else {
  show(byId("look"), false);
  fill();
}
