// Motion detection is set up by looking: what moves now, by the settings on this page, saved or not.

import { Refusal, askJson } from "./api.js";
import { followStates } from "./camera_list.js";
import { el } from "./dom.js";
import { byId, facts } from "./page.js";
import { LivePicture } from "./picture.js";
import { _, figure } from "./texts.js";
import { toast } from "./toast.js";
import { Zones } from "./zones.js";

const WAIT_MS = 400; // after the last change, before it is tried
const AGAIN_MS = 3000;
const SILENT_MS = 5000;
const PAST_MS = 60_000;
const LEAST = 0.5; // per mille: where the meter begins
// what the sliders that do not go in equal steps go through
const CHOICES = {
  object_size: [1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500],
  history_seconds: [1, 2, 3, 5, 8, 10, 15, 20, 30, 45, 60, 120, 300, 600],
};
const WORDS = {
  sensitivity: (value) => figure(value),
  object_size: (value) => _("{size} ‰ of the picture", { size: figure(value) }),
  history_seconds: (value) => _("{seconds} s", { seconds: figure(value) }),
  minimum_seconds: (value) => _("{seconds} s", { seconds: figure(value, 1) }),
};

const camera = facts.cameras.find(({ id }) => id === facts.camera);
const form = byId("form");
const look = byId("motionlook");
const zones = new Zones(byId("pad"), byId("zones"), (words) => { byId("howto").textContent = words; }, facts);
const boxes = el("div", { class: "boxes", "aria-hidden": "true" });
const sample = el("div", { class: "sample", "aria-hidden": "true" });
look.append(boxes, sample);
let saved = null;
let leaving = false;

// ── settings ──
function choices(name) {
  const value = saved[name];
  return CHOICES[name].includes(value) ? CHOICES[name] : [...CHOICES[name], value].sort((a, b) => a - b);
}

function valueOf(name) {
  const position = Number(form.elements[name].value);
  return CHOICES[name] ? choices(name)[position] : position;
}

function settings() {
  const values = Object.fromEntries(Object.keys(WORDS).map((name) => [name, valueOf(name)]));
  return { enabled: form.elements.enabled.checked, zones: zones.zones, ...values };
}

function fill() {
  form.elements.enabled.checked = saved.enabled;
  for (const name of Object.keys(WORDS)) {
    const input = form.elements[name];
    if (CHOICES[name]) input.max = choices(name).length - 1;
    input.value = CHOICES[name] ? choices(name).indexOf(saved[name]) : saved[name];
  }
  zones.zones = saved.zones;
  tell();
}

const isChanged = () => saved !== null && JSON.stringify(settings()) !== JSON.stringify({ enabled: saved.enabled, zones: saved.zones, sensitivity: saved.sensitivity, object_size: saved.object_size, history_seconds: saved.history_seconds, minimum_seconds: saved.minimum_seconds });

function tell() {
  for (const [name, words] of Object.entries(WORDS)) {
    const said = words(valueOf(name));
    byId(`o-${name}`).textContent = said;
    form.elements[name].setAttribute("aria-valuetext", said);
  }
  byId("unsaved").textContent = isChanged() ? _("Tried here, not saved yet.") : "";
  for (const id of ["draw", "quarter"]) byId(id).disabled = zones.full;
  const side = Math.sqrt(valueOf("object_size") / 1000);
  sample.style.width = `${side * 100}%`;
  sample.style.height = `${side * 100}%`;
  byId("threshold").style.left = `${share(valueOf("object_size"))}%`;
}

function changed() {
  if (!saved) return; // what is set has not come yet
  tell();
  clearTimeout(waiting);
  waiting = setTimeout(listen, WAIT_MS);
}

form.addEventListener("input", (event) => { if (event.target.name) changed(); });
zones.onChange = changed;
byId("draw").addEventListener("click", () => zones.begin());
byId("quarter").addEventListener("click", () => zones.middle());
byId("putback").addEventListener("click", () => { if (saved) fill(); changed(); });

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("save").classList.add("busy");
  try {
    saved = (await askJson(`/cameras/${camera.id}`, { method: "PATCH", body: { motion: settings() } })).motion;
    tell();
    toast(_("{name} is saved. What changed acts at once.", { name: camera.name }));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    toast(error.message);
  } finally {
    byId("save").classList.remove("busy");
  }
});

addEventListener("beforeunload", (event) => { if (!leaving && isChanged()) event.preventDefault(); });

// ── what moves ──
let waiting = 0;
let stream = null;
let heardAt = performance.now();
const past = []; // [instant, size, motion]

/** Where a size lies on the meter, in per cent: each step to the right is a multiple. */
const share = (size) => Math.max(0, Math.min(100, (100 * Math.log(Math.max(size, LEAST) / LEAST)) / Math.log(1000 / LEAST)));

function listen() {
  stream?.close();
  const address = `/api/v1/cameras/${camera.id}/motion/level?${new URLSearchParams({ settings: JSON.stringify(settings()) })}`;
  stream = new EventSource(address);
  stream.addEventListener("level", (event) => seen(JSON.parse(event.data)));
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) waiting = setTimeout(listen, AGAIN_MS);
  });
}

function seen(picture) {
  heardAt = performance.now();
  const least = valueOf("object_size");
  const size = Math.max(0, ...picture.boxes.map((box) => box[4]));
  boxes.replaceChildren(...picture.boxes.map(([x, y, width, height, its]) => {
    const box = el("div", { class: its >= least ? "box large" : "box" });
    Object.assign(box.style, { left: `${x * 100}%`, top: `${y * 100}%`, width: `${width * 100}%`, height: `${height * 100}%` });
    return box;
  }));
  byId("largest").style.width = `${size ? share(size) : 0}%`;
  byId("meter").classList.toggle("moving", picture.motion);
  say(picture.motion ? (picture.zones.length ? _("Motion: {zones}", { zones: picture.zones.join(", ") }) : _("Motion")) : _("No motion"));
  byId("figures").textContent = _("largest {size} ‰, moving {level} %", { size: figure(size, 1), level: figure(picture.level, 1) });
  past.push([heardAt, size, picture.motion]);
  drawPast();
}

function say(words) {
  if (byId("verdict").textContent !== words) byId("verdict").textContent = words;
}

function drawPast() {
  const canvas = byId("past");
  const context = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  while (past.length && heardAt - past[0][0] > PAST_MS) past.shift();
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const [at, size, motion] of past) {
    const x = canvas.width * (1 - (heardAt - at) / PAST_MS);
    const high = (canvas.height * share(size)) / 100;
    context.fillStyle = style.getPropertyValue(motion ? "--alarm-fill" : "--rec");
    context.fillRect(x - 3, canvas.height - high, 2, high);
  }
  context.fillStyle = style.getPropertyValue("--ink");
  context.fillRect(0, canvas.height * (1 - share(valueOf("object_size")) / 100), canvas.width, 1);
}

setInterval(() => {
  if (performance.now() - heardAt < SILENT_MS) return;
  say(_("Waiting for pictures…"));
  byId("meter").classList.remove("moving");
  boxes.replaceChildren();
}, 1000);

// ── the picture ──
function shape() {
  const { width, height } = camera.state ?? {};
  if (width && height) look.style.aspectRatio = `${width} / ${height}`;
}

const socket = followStates(facts.cameras, shape);
shape();
new LivePicture(byId("look"), camera, socket);
askJson(`/cameras/${camera.id}`).then((whole) => { saved = whole.motion; fill(); listen(); }, (error) => toast(error.message));
addEventListener("pagehide", () => { leaving = true; stream?.close(); });
