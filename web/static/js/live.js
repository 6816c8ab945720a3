// The live page of one camera: its picture, its till's ticket, the other cameras below.

import { AlarmCards } from "./alarms.js";
import { followExceptions } from "./exception_marks.js";
import { drawFilms } from "./films.js";
import { setIcon, show } from "./dom.js";
import { toggleFull } from "./full.js";
import { onKeys } from "./keys.js";
import { byId, facts, remember, remembered } from "./page.js";
import { LivePicture } from "./picture.js";
import { followSettings } from "./settings.js";
import { followShape } from "./shape.js";
import { LiveSocket } from "./socket.js";
import { _ } from "./texts.js";
import { clock, dayOf, now } from "./time.js";
import { TillScreens } from "./till_screen.js";
import { tellPlug } from "./plug.js";
import { toast } from "./toast.js";

const BACK_MS = 30000;
const PLACES = ["beside", "over", "off"];

const cameras = facts.cameras;
const camera = cameras.find(({ id }) => id === facts.camera);
const socket = new LiveSocket(tellPlug);
const screens = new TillScreens({ column: byId("tickets"), over: byId("over-lines"), spoken: byId("spoken") }, camera.overlay_ids);
followShape(byId("picture"), camera.state);
const picture = new LivePicture(byId("picture"), camera, socket, {
  watching: ({ sources }) => tied(sources),
  screen: (message) => screens.screen(message),
  line: (message) => screens.line(message),
  silence: (message) => screens.silence(message),
});
new AlarmCards(socket, (id, active) => id === camera.id && byId("picture").classList.toggle("alarm", active));
followExceptions(socket);
followSettings(socket, () => screens.settled());
remember("camera", camera.id);

// ── the ticket's place ──
const choices = PLACES.map((place) => byId(`tk-${place}`));
function choosePlace(choice) {
  choice.checked = true;
  screens.place = choice.value;
}
for (const choice of choices) choice.addEventListener("change", () => { remember("ticket", choice.value); choosePlace(choice); });
/** Where the person had it; beside the picture, where nothing was chosen and a till stands before the camera. */
function usualPlace() {
  choosePlace(choices.find(({ value }) => value === remembered("ticket", camera.overlay_ids.length ? "beside" : "off")) ?? choices[0]);
}
usualPlace();

/** The camera watches these tills from now on. */
function tied(sources) {
  const others = sources.join("\n") !== camera.overlay_ids.join("\n");
  camera.overlay_ids = sources;
  screens.sources = sources;
  if (others) usualPlace();
}
function nextPlace() {
  const next = choices[(choices.findIndex((choice) => choice.checked) + 1) % choices.length];
  remember("ticket", next.value);
  choosePlace(next);
}

// ── how it is shown ──
for (const list of document.querySelectorAll("[data-look]")) {
  const known = remembered(`ticket.${list.dataset.look}`, list.value);
  if ([...list.options].some(({ value }) => value === known)) list.value = known;
  const apply = () => byId("main").setAttribute(`data-${list.dataset.look}`, list.value);
  list.addEventListener("change", () => { remember(`ticket.${list.dataset.look}`, list.value); apply(); screens.resized(); });
  apply();
}
document.addEventListener("click", ({ target }) => { if (!target.closest("#ticket-look")) byId("ticket-look").open = false; });
byId("ticket-look").addEventListener("keydown", ({ key }) => {
  if (key !== "Escape") return;
  byId("ticket-look").open = false;
  byId("ticket-look").querySelector("summary").focus();
});

// ── sound ──
picture.onSound = (has) => show(byId("sound"), has);
function toggleSound() {
  if (byId("sound").hidden) return;
  picture.muted = !picture.muted;
  const on = !picture.muted;
  byId("sound").setAttribute("aria-pressed", on);
  byId("sound").querySelector("span").textContent = on ? _("Sound on") : _("Sound off");
  setIcon(byId("sound"), on ? "sound" : "mute");
}
byId("sound").addEventListener("click", toggleSound);

// ── actions ──
function back30() {
  const shown = picture.shownAt;
  location.assign(`/replay/${camera.id}?at=${((Number.isNaN(shown) ? now() : shown) - BACK_MS) / 1000}`);
}
byId("back30").addEventListener("click", (event) => { event.preventDefault(); back30(); });

function snapshot() {
  const still = picture.still();
  if (!still) {
    toast(_("There is no picture to keep at the moment."));
    return;
  }
  const at = Number.isNaN(picture.shownAt) ? now() : picture.shownAt;
  still.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${camera.name} ${dayOf(at)} ${clock(at).replaceAll(":", "-")}.jpg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    toast(_("The picture of {time} is in your downloads.", { time: clock(at) }));
  }, "image/jpeg", 0.92);
}
byId("snapshot").addEventListener("click", snapshot);

const fullScreen = () => toggleFull(document.querySelector(".stagebox"));
byId("full").addEventListener("click", fullScreen);

function other(step) {
  const place = cameras.findIndex(({ id }) => id === camera.id);
  const next = cameras[(place + step + cameras.length) % cameras.length];
  if (next.id !== camera.id) location.assign(`/live/${next.id}`);
}

onKeys(["T"], _("Ticket beside, over, off"), nextPlace);
onKeys(["B"], _("Back 30 s"), back30);
onKeys(["S"], _("Snapshot"), snapshot);
onKeys(["F"], _("Full screen"), fullScreen);
onKeys(["V"], _("Sound"), toggleSound);
onKeys(["ArrowLeft"], _("Camera before"), () => other(-1));
onKeys(["ArrowRight"], _("Camera after"), () => other(1));
onKeys(["1", "2", "3", "4", "5", "6", "7", "8", "9"], _("Camera of this number"), ({ key }) => {
  if (cameras.some(({ id }) => String(id) === key)) location.assign(`/live/${key}`);
});

drawFilms(byId("films"), cameras, camera.id, socket);
