// What is on every page: the clock, the day spine, the menu, banners.

import { MarkLinks, alarmMarks, replayOf } from "./alarm_marks.js";
import { askJson, query } from "./api.js";
import { el, icon, svg } from "./dom.js";
import { diamonds, exceptionMarks } from "./exception_marks.js";
import { onKeys, showKeys } from "./keys.js";
import { byId, facts, may } from "./page.js";
import { _, figure } from "./texts.js";
import { clock, dayEnd, dayOf, dayStart, iso, now, shortClock } from "./time.js";

const MINUTE_MS = 60000;
const BANNER_EVERY_MS = 30000;
const THIN = 0.0015; // of a day: what is shorter is drawn two points wide
const SOON_MS = 1000;
const links = byId("spine") ? new MarkLinks(byId("spine").querySelector(".marklinks"), (mark) => el("a", { href: replayOf(mark) })) : null;
let layLinks = () => {};

function tellTime() {
  byId("clock").textContent = clock(now());
  setTimeout(tellTime, 1000 - (now() % 1000) + 5);
}

async function spansOfToday(start, stop) {
  const cameras = (facts.cameras ?? []).slice(0, 16);
  const answers = await Promise.allSettled(cameras.map(({ id }) => askJson(`/cameras/${id}/recordings${query({ kind: "all", start: iso(start), stop: iso(stop) })}`)));
  const found = answers.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
  return { spans: found.flatMap(({ spans }) => spans), gaps: found.flatMap(({ gaps }) => gaps) };
}

let drawing = 0; // an answer that another has overtaken is not drawn

async function drawSpine() {
  const spine = byId("spine")?.querySelector("svg");
  if (!spine) return;
  const mine = (drawing += 1);
  const name = dayOf(now());
  const [start, stop] = [dayStart(name), dayEnd(name)];
  const place = (instant) => `${((100 * (Math.min(Math.max(instant, start), stop) - start)) / (stop - start)).toFixed(3)}%`;
  const width = (from, to) => `${((100 * Math.max(0, Math.min(to, stop) - Math.max(from, start))) / (stop - start)).toFixed(3)}%`;
  const present = now();
  const [{ spans, gaps }, marks, found] = await Promise.all([
    may("replay") ? spansOfToday(start, present) : { spans: [], gaps: [] },
    may("alarms") ? alarmMarks(start, present, { most: 200 }).catch(() => []) : [],
    exceptionMarks(start, present).catch(() => []),
  ]);
  if (mine !== drawing) return;
  const alarms = (y, height) => marks.map(({ from, to }) => {
    const share = (to - from) / (stop - start);
    return svg("rect", { class: "m-alarm", x: place(from), width: share < THIN ? 2 : width(from, to), y, height });
  });
  const parts = [svg("rect", { class: "m-trough", x: "0%", width: width(start, present), y: 6, height: 7 })];
  for (const span of spans) {
    const [from, to] = [Date.parse(span.start), Date.parse(span.stop)];
    parts.push(svg("rect", { class: "m-rec", x: place(from), width: width(from, to), y: 9, height: 4 }));
  }
  parts.push(...alarms(2, 11));
  for (const gap of gaps) {
    const [from, to] = [Date.parse(gap.start), gap.stop ? Date.parse(gap.stop) : present];
    parts.push(svg("rect", { class: "m-trough", x: place(from), width: width(from, to), y: 5, height: 8 }));
    parts.push(svg("rect", { class: "m-gap", x: place(from), width: width(from, to), y: 5, height: 8 }));
  }
  if (gaps.length) parts.push(...alarms(2, 3)); // seen where there is no picture too
  parts.push(svg("line", { class: "m-future", x1: place(present), x2: "100%", y1: 11, y2: 11 }));
  for (let hour = 0; hour <= 24; hour += 2) {
    const x = (100 * hour) / 24;
    const anchor = hour === 0 ? "start" : hour === 24 ? "end" : "middle";
    if (Math.abs(x - parseFloat(place(present))) < 3) continue; // the flag stands there
    parts.push(svg("text", { class: hour % 6 ? "x-hour x-odd" : "x-hour", x: `${x}%`, y: 26, "text-anchor": anchor }, `${String(hour).padStart(2, "0")}:00`));
  }
  const x = Math.min(98.2, Math.max(1.8, parseFloat(place(present)))); // the flag stays inside the window
  parts.push(svg("line", { class: "m-head", x1: place(present), x2: place(present), y1: 1, y2: 15 }));
  parts.push(svg("svg", { x: `${x}%`, y: 14, overflow: "visible" },
    svg("rect", { class: "m-flag", x: -24, width: 48, height: 15, rx: 2 }),
    svg("text", { class: "m-flagt", x: 0, y: 11.5, "text-anchor": "middle" }, shortClock(present))));
  const shapes = svg("g");
  spine.replaceChildren(...parts, shapes);
  const all = [...marks, ...found].sort((one, other) => one.from - other.from);
  layLinks = () => {
    const at = (instant) => ((instant - start) / (stop - start)) * spine.clientWidth;
    shapes.replaceChildren(...diamonds(found, at, spine.clientWidth, 7));
    links.draw(all, at, spine.clientWidth);
  };
  layLinks();
}

async function drawBanner() {
  let volumes = [];
  try {
    volumes = (await askJson("/volumes")).items ?? [];
  } catch {
    return; // a server that does not tell its volumes, or cannot: the pages say so themselves
  }
  const wrong = volumes.filter(({ state }) => state !== "ok");
  const told = (volume) => volume.state === "full"
    ? _("The disk {name} is full: nothing is being recorded on it. {free} GB are free. Make room, or give CamTrace another disk.", { name: volume.name, free: figure(volume.free_bytes / 1e9, 1) })
    : _("The disk {name} is absent: the cameras that use it are not recorded. Connect it again.", { name: volume.name });
  byId("banner").replaceChildren(...wrong.map((volume) => el("p", { class: "note bad" }, icon("disk"), el("b", null, told(volume)))));
}

/** With each minute: the flag on the spine shows hours and minutes. */
function followDay() {
  drawSpine();
  setTimeout(followDay, MINUTE_MS - (now() % MINUTE_MS) + 50);
}

for (const tab of document.querySelectorAll(".tabs [aria-current]")) tab.scrollIntoView({ block: "nearest", inline: "nearest" }); // where they scroll
tellTime();
followDay();
if (links) new ResizeObserver(() => layLinks()).observe(byId("spine"));
let soon = 0;
for (const what of ["alarm", "exception"]) document.addEventListener(what, () => { soon ||= setTimeout(() => { soon = 0; drawSpine(); }, SOON_MS); });
drawBanner();
setInterval(drawBanner, BANNER_EVERY_MS);
byId("show-keys").addEventListener("click", () => { document.querySelector("details.person").open = false; showKeys(); });
onKeys(["?", "Shift ?"], _("All keys"), showKeys);
onKeys(["/"], _("Search the tickets"), () => {
  const field = document.querySelector("[role=search] input");
  if (field) field.focus();
  else if (may("lines")) location.assign("/log");
});
document.addEventListener("keydown", (event) => {
  const menu = document.querySelector("details.person[open]");
  if (event.key === "Escape" && menu) { menu.open = false; menu.querySelector("summary").focus(); }
});
document.addEventListener("click", (event) => {
  const menu = document.querySelector("details.person[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
});
