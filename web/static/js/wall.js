// The wall: every camera at once, each moving and whole. A tile opens its camera.

import { AlarmCards } from "./alarms.js";
import { el, icon } from "./dom.js";
import { followExceptions } from "./exception_marks.js";
import { toggleFull } from "./full.js";
import { onKeys } from "./keys.js";
import { cell, largestGrid, stripHeight, used } from "./mosaic.js";
import { byId, facts } from "./page.js";
import { LivePicture } from "./picture.js";
import { tellPlug } from "./plug.js";
import { followSettings } from "./settings.js";
import { followShape } from "./shape.js";
import { LiveSocket } from "./socket.js";
import { _, ngettext } from "./texts.js";
import { TillStrip } from "./till_strip.js";

const USUAL = 16 / 9; // the shape of a picture until it is known
const PHONE_LINES = 3;

const socket = new LiveSocket(tellPlug);
followExceptions(socket);
followSettings(socket, ({ cameras }) => {
  if (cameras && Object.keys(cameras).join() !== tiles.map(({ camera }) => camera.id).join()) location.reload(); // one came or went
  for (const { camera, strip, open } of tiles) {
    open.setAttribute("aria-label", _("Open {camera}", { camera: camera.name }));
    strip.settled();
  }
});
const mosaic = byId("mosaic");
const phone = matchMedia("(max-width:760px)");
const stream = facts.cameras.length > 1 ? "sub" : "main"; // small pictures need fewer points
let waiting = 0;

const tiles = facts.cameras.map((camera) => {
  const figure = el("figure", { class: "pic whole" });
  const strip = new TillStrip();
  const tile = { camera, strip, ratio: USUAL, till: camera.overlay_ids.length > 0, state: camera.state };
  const listeners = {
    state: (state) => { tile.state = state; drawSummary(); },
    watching: ({ sources }) => { tile.till = sources.length > 0; strip.sources = sources; layOutSoon(); },
    screen: (message) => strip.screen(message),
    line: (message) => strip.line(message),
    silence: (message) => strip.silence(message),
  };
  followShape(figure, camera.state, (ratio) => { tile.ratio = ratio; layOutSoon(); });
  new LivePicture(figure, camera, socket, listeners, stream);
  tile.open = el("a", { class: "opens", href: `/live/${camera.id}`, "aria-label": _("Open {camera}", { camera: camera.name }) });
  tile.element = el("div", { class: "tile" }, figure, strip.element, tile.open);
  return tile;
});

new AlarmCards(socket, (id, active) => {
  tiles.find(({ camera }) => camera.id === id)?.element.querySelector(".pic").classList.toggle("alarm", active);
});

function layOut() {
  waiting = 0;
  const { width, height } = mosaic.getBoundingClientRect();
  const grid = phone.matches ? null : largestGrid(width, height, tiles);
  if (grid) {
    mosaic.style.setProperty("--columns", grid.columns);
    mosaic.style.setProperty("--rows", grid.rows);
  }
  for (const tile of tiles) {
    const { place, strip, lines } = grid ? used(...cell(width, height, grid), tile) : { place: tile.till ? "under" : "", strip: stripHeight(PHONE_LINES), lines: PHONE_LINES };
    tile.element.classList.toggle("under", place === "under");
    tile.element.classList.toggle("beside", place === "beside");
    tile.element.style.setProperty("--strip", `${strip}px`);
    tile.strip.fits = lines;
  }
}

/** Once, however many pictures tell their shape meanwhile. */
function layOutSoon() {
  waiting ||= requestAnimationFrame(layOut);
}

function drawSummary() {
  const well = tiles.filter(({ state }) => !state || state.status === "active").length;
  const words = ngettext("{well} of {count} camera sends pictures.", "{well} of {count} cameras send pictures.", tiles.length, { well });
  byId("wall-state").replaceChildren(well === tiles.length ? el("span", { class: "live-dot" }) : icon("plug"), words);
}

mosaic.replaceChildren(...tiles.map(({ element }) => element));
layOut();
drawSummary();
new ResizeObserver(layOutSoon).observe(mosaic);

onKeys(["1", "2", "3", "4", "5", "6", "7", "8", "9"], _("Camera of this number"), ({ key }) => {
  if (facts.cameras.some(({ id }) => String(id) === key)) location.assign(`/live/${key}`);
});
onKeys(["F"], _("Full screen"), () => toggleFull(byId("main")));
