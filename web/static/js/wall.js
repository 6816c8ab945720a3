// The wall: every camera at once, each moving. A tile opens its camera.

import { el } from "./dom.js";
import { onKeys } from "./keys.js";
import { byId, facts } from "./page.js";
import { LivePicture } from "./picture.js";
import { tellPlug } from "./plug.js";
import { LiveSocket } from "./socket.js";
import { _ } from "./texts.js";
import { TillStrip } from "./till_strip.js";

const socket = new LiveSocket(tellPlug);
const mosaic = byId("mosaic");
const stream = facts.cameras.length > 1 ? "sub" : "main"; // small pictures need fewer points
const side = Math.ceil(Math.sqrt(facts.cameras.length));

const tiles = facts.cameras.map((camera) => {
  const figure = el("figure", { class: "pic" });
  const strip = camera.overlay_ids.length ? new TillStrip() : null;
  const listeners = strip ? { screen: (message) => strip.screen(message), line: (message) => strip.line(message) } : {};
  new LivePicture(figure, camera, socket, listeners, stream);
  const open = el("a", { class: "opens", href: `/live/${camera.id}`, "aria-label": _("Open {camera}", { camera: camera.name }) });
  figure.append(...(strip ? [strip.element] : []), open);
  return figure;
});
mosaic.style.setProperty("--side", side);
mosaic.style.setProperty("--rows", Math.ceil(facts.cameras.length / side));
mosaic.replaceChildren(...tiles);

onKeys(["1", "2", "3", "4", "5", "6", "7", "8", "9"], _("Camera of this number"), ({ key }) => {
  if (facts.cameras.some(({ id }) => String(id) === key)) location.assign(`/live/${key}`);
});
