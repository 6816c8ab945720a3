// The replay page: picture, ticket in step, transport, calendar, timeline, clip.

import { alarmMarks } from "./alarm_marks.js";
import { Calendar } from "./calendar.js";
import { Clip, around } from "./clip.js";
import { setIcon, show } from "./dom.js";
import { exceptionMarks } from "./exception_marks.js";
import { FoundHere } from "./found_here.js";
import { hitsAt } from "./hits.js";
import { VERDICT_KEYS } from "./judging.js";
import { onKeys } from "./keys.js";
import { instantInPicture } from "./lines.js";
import { MarkDays } from "./mark_days.js";
import { Nudge } from "./nudge.js";
import { byId, facts, may } from "./page.js";
import { Player } from "./player.js";
import { RecordedTicket } from "./recorded_ticket.js";
import { Recordings } from "./recordings.js";
import { followSettings } from "./settings.js";
import { followShape } from "./shape.js";
import { LiveSocket } from "./socket.js";
import { _, figure } from "./texts.js";
import { TillLines } from "./till_lines.js";
import { Timeline, wordsAt } from "./timeline.js";
import { clock, dayEnd, dayOf, dayStart, instantOf, now, shortDay } from "./time.js";
import { toast } from "./toast.js";

const BACK_MS = 30000;
const TICK_MS = 100;
const AGAIN_MS = 1600;
const DAY_AGAIN_MS = 5000;
const SKIP_MS = 5000;
const LONG_SKIP_MS = 60000;
const ZOOMS = [86400, 14400, 3600, 600, 60];

const camera = facts.replayed;
const recordings = new Recordings(camera.key);
const alarmDays = new MarkDays((start, stop) => alarmMarks(start, stop, { camera: camera.key, most: 500 }));
const exceptionDays = new MarkDays((start, stop) => exceptionMarks(start, stop, { camera: camera.key }), 60000); // judged later, too
const till = new TillLines(camera.key, camera.overlay_ids);
const ticket = new RecordedTicket(byId("ticket"), camera.overlay_ids.length > 0, (at) => seek(at), (id, lines) => till.whole(id, lines));
followShape(byId("picture"), facts.cameras.find(({ id }) => id === camera.id)?.state);
const player = new Player(byId("picture"), camera, recordings, {
  sound: (has) => show(byId("sound"), has),
  changed: drawPlaying,
});
const timeline = new Timeline(byId("timeline"), byId("alarm-links"), camera, { seek, mark: markNear, view: drawZoom });
const foundHere = byId("found") ? new FoundHere(byId("found"), judged) : null;
const calendar = new Calendar(byId("calendar"), byId("month"), recordings, chooseDay);
let day = "";
let known = { spans: [], gaps: [] };
let alarms = [];
let exceptions = [];
let dayTickets = [];
let marks = [NaN, NaN];
let sought = NaN; // where the player is being sent
let lastSought = NaN; // where it was sent last
let arriving = Promise.resolve(); // until the player was sent there
let stepping = Promise.resolve(); // steps from line to line go one after the other, however fast they are asked for
let steps = 0; // asked for and not done

// ── where we are ──
function present() {
  if (!Number.isNaN(sought)) return sought;
  return Number.isNaN(player.gapAt) ? player.at : player.gapAt;
}

function seek(at) {
  arriving = sendTo(at);
  return arriving;
}

async function sendTo(at) {
  sought = at;
  lastSought = at;
  try {
    await loadDay(dayOf(at));
    if (sought !== at) return;
    await player.seek(at);
  } finally {
    if (sought === at) sought = NaN;
  }
  tick();
  tellAddress(at);
}

function tellAddress(at) {
  history.replaceState(null, "", `/replay/${camera.key}?at=${(at / 1000).toFixed(3)}${hits ? hits.asked : ""}`);
}

async function loadDay(name) {
  if (name !== day) {
    day = name;
    calendar.setDay(name);
    known = { spans: [], gaps: [] };
    alarms = [];
    setExceptions([]);
  }
  const [found, tickets, raised, met] = await Promise.all([
    recordings.day(name).catch((error) => { toast(error.message); return { spans: [], gaps: [] }; }),
    till.tickets(dayStart(name), dayEnd(name)).catch(() => []),
    may("alarms") ? alarmDays.day(name).catch(() => []) : [],
    exceptionDays.day(name).catch(() => []),
  ]);
  if (name !== day) return;
  known = found;
  alarms = raised;
  dayTickets = tickets;
  setExceptions(met);
  timeline.setDay(name, found, tickets, raised, met);
}

function setExceptions(met) {
  exceptions = met;
  if (foundHere) foundHere.marks = met;
}

/** An exception was judged: its marks are drawn as it stands now. */
function judged() {
  timeline.setDay(day, known, dayTickets, alarms, exceptions);
  document.dispatchEvent(new CustomEvent("exception"));
}

function chooseDay(name) {
  recordings.day(name).then(({ spans }) => {
    const same = dayStart(name) + ((present() - dayStart(day)) % 86400000); // the same time of that day, if it was recorded
    const there = spans.some(([from, to]) => same >= from && same < to);
    seek(there ? same : spans[0]?.[0] ?? same);
  }, (error) => toast(error.message));
}

function tick() {
  const at = present();
  player.tick();
  byId("now").textContent = clock(at);
  byId("day-words").textContent = shortDay(at);
  ticket.show(at);
  foundHere?.show(at);
  nudge?.tick();
  timeline.moment(at);
  till.around(at).then((changed) => { if (changed) ticket.setLines(till.lines); }, () => {});
  if (dayOf(at) !== day) loadDay(dayOf(at));
}
timeline.describe = (at) => wordsAt(at, known, alarms, exceptions, ticket.wordsAt(at));

// ── transport ──
function drawPlaying() {
  setIcon(byId("play"), player.playing ? "pause" : "play");
  byId("play").setAttribute("aria-label", player.playing ? _("Pause") : _("Play"));
}

function playPause() {
  if (player.playing) {
    player.pause();
    tellAddress(present());
  } else {
    player.play();
  }
}

const speeds = [...byId("speeds").querySelectorAll("button")];
function setSpeed(button) {
  for (const other of speeds) other.setAttribute("aria-pressed", other === button);
  player.speed = Number(button.dataset.speed);
}
function faster(step) {
  const place = speeds.findIndex((button) => button.getAttribute("aria-pressed") === "true") + step;
  if (speeds[place]) setSpeed(speeds[place]);
}

/** `held`: the key is held down, and steps are taken while it is, none afterwards. */
/** One picture on (1) or back (-1) from where the player is being sent. */
function stepPicture(direction) {
  arriving.then(() => player.step(direction), () => {});
}

function lineNext(direction, held = false) {
  if (held && steps) return;
  steps += 1;
  stepping = stepping.then(() => stepLine(direction)).finally(() => { steps -= 1; });
}

async function stepLine(direction) {
  const at = present();
  // one more step back soon after the last goes on from that line: its picture begins later, or plays already
  const from = direction < 0 && at >= lastSought && at < lastSought + AGAIN_MS ? lastSought : at;
  try {
    const line = await till.next(from + direction * 20, direction);
    if (line) await seek(instantInPicture(line));
    else toast(direction < 0 ? _("There is no ticket line before.") : _("There is no ticket line after."));
  } catch (error) {
    toast(error.message);
  }
}

const nudge = byId("nudge") ? new Nudge(byId("nudge"), () => ticket.source, () => ticket.show(present()), () => camera.overlay_ids.length > 1) : null;

function toggleSound() {
  if (byId("sound").hidden) return;
  player.muted = !player.muted;
  setIcon(byId("sound"), player.muted ? "mute" : "sound");
  byId("sound").setAttribute("aria-pressed", !player.muted);
}

byId("play").addEventListener("click", playPause);
byId("step-back").addEventListener("click", () => stepPicture(-1));
byId("step-on").addEventListener("click", () => stepPicture(1));
byId("line-before").addEventListener("click", () => lineNext(-1));
byId("line-after").addEventListener("click", () => lineNext(1));
byId("sound").addEventListener("click", toggleSound);
for (const button of speeds) button.addEventListener("click", () => setSpeed(button));
byId("choose").addEventListener("change", () => location.assign(`/replay/${byId("choose").value}?at=${present() / 1000}`));
byId("month-before").addEventListener("click", (event) => { event.preventDefault(); calendar.turn(-1); });
byId("month-after").addEventListener("click", (event) => { event.preventDefault(); calendar.turn(1); });

// ── zoom ──
const zooms = [...byId("zooms").querySelectorAll("button")];
function drawZoom(seconds) {
  for (const button of zooms) button.setAttribute("aria-pressed", Math.abs(Number(button.dataset.seconds) - seconds) < 1);
}
for (const button of zooms) button.addEventListener("click", () => timeline.zoom(Number(button.dataset.seconds)));
function zoomStep(step) {
  const place = ZOOMS.findIndex((seconds) => seconds <= timeline.seconds + 1);
  timeline.zoom(ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, place + step))]);
}

// ── marks and clip ──
function marked() {
  const [from, to] = marks;
  if (Number.isNaN(from) || Number.isNaN(to)) {
    const [early, late] = around(present());
    return [Number.isNaN(from) ? early : from, Math.min(now(), Number.isNaN(to) ? Math.max(late, from + 1000 || late) : to)];
  }
  return [from, to];
}

function setMarks(from, to) {
  marks = from > to ? [to, from] : [from, to];
  timeline.setMarks(...marks);
  const [a, b] = marks;
  const either = !Number.isNaN(a) || !Number.isNaN(b);
  byId("marked").textContent = either ? _("Marked {from} – {to}", { from: Number.isNaN(a) ? "…" : clock(a), to: Number.isNaN(b) ? "…" : clock(b) }) : "";
  clip?.refresh();
}

function markNear(at) {
  if (Number.isNaN(marks[0]) || !Number.isNaN(marks[1])) setMarks(at, NaN);
  else setMarks(marks[0], at);
}
// ── from hit to hit of a search ──
const hits = hitsAt(new URLSearchParams(location.search), facts.cameras.map(({ id }) => id));

async function hitNext(direction) {
  if (!hits) {
    const one = foundHere?.next(present(), direction);
    if (one) watchException(one);
    else if (exceptions.length) toast(direction < 0 ? _("There is no exception before on this day.") : _("There is no exception after on this day."));
    else toast(_("Search the tickets first: N goes from one hit to the next."));
    return;
  }
  try {
    const hit = await hits.step(direction);
    if (hit) foundHere?.want(hit.line);
    if (!hit) toast(direction < 0 ? _("This is the first hit.") : _("This is the last hit."));
    else if (hit.camera === camera.id) await seek(hit.at);
    else location.assign(hits.way);
  } catch (error) {
    toast(error.message);
  }
  drawHits();
}

function watchException({ id, picture_at: at }) {
  foundHere.want(id);
  seek(Date.parse(at));
}

function drawHits() {
  show(byId("hitbar"), Boolean(hits));
  if (!hits) return;
  byId("hit-words").textContent = hits.count === null ? _("Hit {number}", { number: figure(hits.number) }) : _("Hit {number} of {count}", { number: figure(hits.number), count: figure(hits.count) });
  byId("hit-results").href = hits.address;
}
byId("hit-before").addEventListener("click", () => hitNext(-1));
byId("hit-after").addEventListener("click", () => hitNext(1));
drawHits();
if (hits) foundHere?.want(hits.line);

const clip = byId("clip") ? new Clip(byId("clip"), byId("clip-words"), camera, marked) : null;
clip?.refresh();
byId("mark-in").addEventListener("click", () => setMarks(present(), marks[1]));
byId("mark-out").addEventListener("click", () => setMarks(marks[0], present()));

onKeys(["Space", "K"], _("Play, pause"), playPause);
onKeys(["J"], _("Slower"), () => faster(-1));
onKeys(["L"], _("Faster"), () => faster(1));
onKeys([","], _("One picture back"), () => stepPicture(-1));
onKeys(["."], _("One picture on"), () => stepPicture(1));
onKeys(["ArrowLeft"], _("5 s back"), () => seek(present() - SKIP_MS));
onKeys(["ArrowRight"], _("5 s on"), () => seek(present() + SKIP_MS));
onKeys(["Shift ArrowLeft"], _("1 min back"), () => seek(present() - LONG_SKIP_MS));
onKeys(["Shift ArrowRight"], _("1 min on"), () => seek(present() + LONG_SKIP_MS));
onKeys(["ArrowUp"], _("Ticket line before"), (event) => lineNext(-1, event.repeat));
onKeys(["ArrowDown"], _("Ticket line after"), (event) => lineNext(1, event.repeat));
onKeys(["N"], _("Next hit or exception, with Shift the one before"), (event) => hitNext(event.shiftKey ? -1 : 1));
if (foundHere) for (const [key, words, name] of VERDICT_KEYS) onKeys([key], words(), () => foundHere.judge({ verdict: name }));
onKeys(["B"], _("Back 30 s"), () => seek(present() - BACK_MS));
onKeys(["I"], _("Mark the beginning"), () => setMarks(present(), marks[1]));
onKeys(["O"], _("Mark the end"), () => setMarks(marks[0], present()));
onKeys(["E"], _("Download the clip"), () => byId("clip")?.click());
onKeys(["V"], _("Sound"), toggleSound);
onKeys(["+", "="], _("Zoom in"), () => zoomStep(1));
onKeys(["-"], _("Zoom out"), () => zoomStep(-1));
onKeys(["0"], _("The whole day"), () => timeline.zoom(ZOOMS[0]));
onKeys(["F"], _("Full screen"), () => (document.fullscreenElement ? document.exitFullscreen() : byId("picture").requestFullscreen?.()));

// ── what is set meanwhile ──
const socket = new LiveSocket();
followSettings(socket, () => {
  nudge?.settled();
  ticket.settled();
  tick();
  loadDay(day);
});
if (may("live") && facts.cameras.some(({ id }) => id === camera.id)) {
  socket.watch(camera.id, {
    started() {}, fragment() {}, ended() {}, unplugged() {},
    watching: ({ sources }) => {
      if (sources.join("\n") === camera.overlay_ids.join("\n")) return;
      camera.overlay_ids = till.sources = sources;
      ticket.hasTill = sources.length > 0;
      nudge?.settled();
    },
  }, { media: false, lines: false });
}

// ── begin ──
/** Half a minute before the end of what was recorded. */
async function newest() {
  const end = camera.removed ?? now();
  const { spans } = await recordings.day(dayOf(end)).catch(() => ({ spans: [] }));
  const last = spans.filter(([from]) => from < end).pop();
  return last ? Math.max(last[0] + 50, Math.min(end, last[1]) - BACK_MS) : end - BACK_MS;
}

async function begin() {
  const asked = instantOf(new URLSearchParams(location.search).get("at"));
  const at = Number.isNaN(asked) ? await newest() : asked;
  day = dayOf(at);
  calendar.setDay(day);
  await loadDay(day);
  timeline.moment(at);
  drawZoom(timeline.seconds);
  player.play();
  await player.seek(at);
  setInterval(tick, TICK_MS);
  setInterval(() => { if (day === dayOf(now()) && !document.hidden) { loadDay(day); if (now() - present() < LONG_SKIP_MS * 15) till.forget(); } }, DAY_AGAIN_MS);
}
begin();
