// States of cameras in the words of the shop. The codes are those of `GET /cameras/ID/status`.

import { facts } from "./page.js";
import { _, figure } from "./texts.js";
import { shortClock, shortDay, dayOf, now } from "./time.js";

const CODECS = { h264: "H.264", h265: "H.265", mpeg4: "MPEG-4", mjpeg: "MJPEG", aac: "AAC" };

/** What the camera does, in words that follow its name: "answers, but wants another password". */
export function reasonWords({ code, detail }) {
  const sentence = facts.reasons?.[code];
  return code && sentence ? _(sentence, { detail }) : "";
}

/** A codec as people write it. */
export const codecWords = (codec) => CODECS[codec] ?? codec ?? "";

/** An instant of today as 14:02, of another day as "Thu 19 Nov 14:02". */
export function sinceWords(instant) {
  if (Number.isNaN(instant)) return "";
  return dayOf(instant) === dayOf(now()) ? shortClock(instant) : `${shortDay(instant)} ${shortClock(instant)}`;
}

/** "TILL 7 silent since 14:02" */
export const silentWords = (till, since) => _("{till} silent since {time}", { till, time: sinceWords(Date.parse(since)) });

/** "Camera lost since 14:02 – answers, but wants another password"; an ignored one was not lost: it was never asked. */
export function lostWords(state) {
  const since = sinceWords(Date.parse(state.since));
  const reason = reasonWords(state);
  if (state.code === "connecting") return _("Connecting…");
  if (state.status === "ignored") return `${_("Camera not connected")} – ${reason}`;
  const fact = since ? _("Camera lost since {time}", { time: since }) : _("Camera lost");
  return reason ? `${fact} – ${reason}` : fact;
}

/** "H.264, 1280 × 720, 25 pictures a second" */
export function streamWords(state) {
  const told = [codecWords(state.codec)];
  if (state.width) told.push(`${state.width} × ${state.height}`);
  if (state.frame_rate) told.push(_("{count} pictures a second", { count: figure(Math.round(state.frame_rate * 10) / 10) }));
  return told.filter(Boolean).join(", ");
}

const GAPS = {
  camera: () => _("the camera was lost"),
  restart: () => _("CamTrace was restarted"),
  disk: () => _("the disk was full or absent"),
  clock: () => _("the clock was set"),
  overload: () => _("the server was too slow"),
  codec: () => _("the camera changed its kind of picture"),
  settings: () => _("recording was switched off or changed"),
};

/** Why there is no picture. */
export const gapWords = (cause) => GAPS[cause]?.() ?? "";

const CAUSES = {
  tcp: () => _("alarm message"),
  http: () => _("alarm message"),
  ftp: () => _("picture from the camera"),
  motion: () => _("movement"),
  camera_motion: () => _("movement, seen by the camera"),
  audio: () => _("sound"),
  tampering: () => _("the camera was covered or turned"),
  contact: () => _("contact"),
  input: () => _("contact at the camera"),
  program: () => _("another program"),
  rule: () => _("a rule"),
};

/** What raised an alarm. */
export const causeWords = (cause) => CAUSES[cause]?.() ?? cause;

/** "212 GB" of so many bytes. */
export const sizeWords = (bytes) => (bytes >= 1e12 ? _("{count} TB", { count: figure(bytes / 1e12) }) : bytes >= 1e9 ? _("{count} GB", { count: figure(bytes / 1e9) }) : _("{count} MB", { count: figure(bytes / 1e6, 0) }));
