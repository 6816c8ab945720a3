// Cameras with their state in words, kept true by the live socket.

import { el, icon } from "./dom.js";
import { LiveSocket } from "./socket.js";
import { _ } from "./texts.js";
import { tellPlug } from "./plug.js";
import { reasonWords, sinceWords, streamWords } from "./words.js";

/** What a camera does now: {words, kind}; `kind` is "ok", "warn" or "lost". */
export function stateWords(camera) {
  const { state } = camera;
  const since = sinceWords(Date.parse(state.since));
  if (state.status === "active") return { words: camera.recorded ? _("recording") : _("live, not recorded"), kind: "ok", detail: streamWords(state) };
  if (state.code === "connecting") return { words: _("connecting"), kind: "warn", detail: "" };
  if (state.status === "ignored") return { words: _("not connected"), kind: "warn", detail: reasonWords(state) };
  return { words: _("lost since {time}", { time: since }), kind: "lost", detail: reasonWords(state) };
}

/** The mark of a state: a shape of its own for each. */
export function stateMark(kind) {
  if (kind === "ok") return el("span", { class: "dot" });
  return el("span", { class: kind === "lost" ? "alarm-c" : "warn-c" }, icon(kind === "lost" ? "plug" : "warn"));
}

/** Call `changed(camera)` whenever the state of one of `cameras` changes. */
export function followStates(cameras, changed) {
  const socket = new LiveSocket(tellPlug);
  for (const camera of cameras) {
    const viewer = { started() {}, fragment() {}, ended() {}, unplugged() {}, state(state) { camera.state = state; changed(camera); } };
    socket.watch(camera.id, viewer, { media: false });
  }
  return socket;
}
