// One WebSocket for everything that is live: pictures of several cameras, the lines of their tills, the cameras' states.
// The messages are written down in docs/protocols/live.md.

import { facts } from "./page.js";
import { setClock } from "./time.js";

const ADDRESS = "/live/socket";
const HEAD_BYTES = 12;
const KEY = 1;
const INIT = 2;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const CLOCK_EVERY_MS = 60000;
const LISTEN_EVERY_MS = 10000;
const MOST_UNANSWERED = 3;
const SESSION_ENDED = 4401;

/**
 * Keeps one connection open and comes back when it breaks.
 *
 * A viewer has `started(mime, init, note)`, `fragment(bytes, key, at)`, `ended(reason)`, `unplugged()` (the connection
 * to the server broke), and may have `watching(message)`, `screen(message)`, `silence(message)`, `line(message)`,
 * `state(message)`.
 */
export class LiveSocket {
  #socket = null;
  #wait = FIRST_WAIT_MS;
  #again = 0; // the timer of the next try
  #heard = 0; // when the server was heard last
  #unanswered = 0; // questions since then
  #channels = new Map(); // number -> {camera, viewer, media, lines, stream, stills, mime, note}
  #nextChannel = 1;
  #onPlug;
  #onAlarm = null;
  #onException = null;
  #onSettings = null;
  #onSource = null;

  /** `onPlug(connected)` is told when the connection to the server breaks and when it is back. */
  constructor(onPlug = () => {}) {
    this.#onPlug = onPlug;
    this.#connect();
    setInterval(() => this.#askClock(), CLOCK_EVERY_MS);
    setInterval(() => this.#listen(), LISTEN_EVERY_MS);
    addEventListener("online", () => this.#atOnce());
  }

  /**
   * Show `camera` to `viewer` (`media` false: no pictures; `lines` false: nothing of its tills; `stream` "sub": its
   * second stream, where it has one; `stills`: as JPEG pictures whatever it sends); returns the call that stops it.
   */
  watch(camera, viewer, { media = true, lines = true, stream = "main", stills = false } = {}) {
    const channel = this.#nextChannel;
    this.#nextChannel = (this.#nextChannel % 65535) + 1;
    this.#channels.set(channel, { camera, viewer, media, lines, stream, stills, mime: "", note: "" });
    this.#askWatch(channel);
    return () => {
      this.#channels.delete(channel);
      this.#send({ do: "leave", channel });
    };
  }

  /** `listener` is told of alarms: `alarm`, `alarm_over` and `alarm_seen`; those under way are told at once. */
  onAlarm(listener) {
    this.#onAlarm = listener;
  }

  /** `listener` is told of what rules find: `{exception}`. */
  onException(listener) {
    this.#onException = listener;
  }

  /** `listener` is told what is set for tills and events, `{tills, events}` or one of them, whenever that changes. */
  onSettings(listener) {
    this.#onSettings = listener;
    this.#askSettings();
  }

  /** `listener` is told of sources that appear, fall silent or speak again. */
  onSource(listener) {
    this.#onSource = listener;
    this.#askSettings();
  }

  #askSettings() {
    if (this.#onSettings || this.#onSource) this.#send({ do: "settings", language: facts.language });
  }

  #askWatch(channel) {
    const { camera, media, lines, stream, stills } = this.#channels.get(channel);
    this.#send({ do: "watch", channel, camera, lines, ...(media ? { stream, stills } : { media: false }) });
  }

  #askClock() {
    this.#send({ do: "clock", sent: Date.now() });
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.#again = 0;
    const socket = new WebSocket(`${scheme}//${location.host}${ADDRESS}`);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => { if (socket === this.#socket) this.#opened(); });
    socket.addEventListener("message", ({ data }) => {
      if (socket !== this.#socket) return; // given up
      this.#isHeard();
      if (typeof data === "string") this.#told(JSON.parse(data));
      else this.#bytes(data);
    });
    socket.addEventListener("close", ({ code }) => { if (socket === this.#socket) this.#closed(code); });
    this.#socket = socket;
  }

  /** A server that is gone without a word, with its power, would not be missed: ask, and give up where nothing comes. */
  #listen() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (performance.now() - this.#heard < LISTEN_EVERY_MS) return;
    this.#unanswered += 1;
    if (this.#unanswered > MOST_UNANSWERED) this.#giveUp();
    else this.#askClock();
  }

  #giveUp() {
    const socket = this.#socket;
    this.#socket = null;
    socket.close(); // its farewell may take long
    this.#closed();
  }

  /** The network is back: do not wait until the next try is due. */
  #atOnce() {
    if (this.#socket?.readyState === WebSocket.OPEN) return;
    this.#wait = FIRST_WAIT_MS;
    if (this.#socket?.readyState === WebSocket.CONNECTING) this.#giveUp();
    else if (this.#again) {
      clearTimeout(this.#again);
      this.#connect();
    }
  }

  #isHeard() {
    this.#heard = performance.now();
    this.#unanswered = 0;
  }

  #opened() {
    this.#isHeard();
    this.#wait = FIRST_WAIT_MS;
    this.#onPlug(true);
    this.#askClock();
    this.#askSettings();
    for (const channel of this.#channels.keys()) this.#askWatch(channel);
  }

  #closed(code) {
    if (code === SESSION_ENDED) {
      location.reload(); // to the sign-in, or to a page that says that the right is gone
      return;
    }
    this.#onPlug(false);
    for (const { viewer } of this.#channels.values()) viewer.unplugged();
    this.#again = setTimeout(() => this.#connect(), this.#wait * (0.7 + Math.random() * 0.6));
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
  }

  #told(message) {
    const open = this.#channels.get(message.channel);
    switch (message.is) {
      case "clock":
        setClock(message.at_us / 1000, (message.sent + Date.now()) / 2);
        break;
      case "media":
        if (open) this.#media(open, message);
        break;
      case "ended":
      case "problem":
        open?.viewer.ended(message.reason ?? message.message);
        break;
      case "watching":
        open?.viewer.watching?.(message);
        break;
      case "screen":
        open?.viewer.screen?.(message);
        break;
      case "silence":
        open?.viewer.silence?.(message);
        break;
      case "alarm":
      case "alarm_over":
      case "alarm_seen":
        this.#onAlarm?.(message);
        break;
      case "exception":
        this.#onException?.(message);
        break;
      case "settings":
        this.#onSettings?.(message);
        break;
      case "source":
        this.#onSource?.(message);
        break;
      case "line":
      case "state":
        this.#tellCameras(message);
        break;
      default: // hello, dropped: nothing to do
    }
  }

  #media(open, { mime, note }) {
    Object.assign(open, { mime, note });
    if (!mime.startsWith("video/mp4")) open.viewer.started(mime, null, note); // MP4 begins with its first binary message
  }

  #tellCameras(message) {
    const cameras = message.cameras ?? [message.camera];
    for (const { camera, viewer } of this.#channels.values()) {
      if (cameras.includes(camera)) viewer[message.is]?.(message);
    }
  }

  #bytes(buffer) {
    const head = new DataView(buffer, 0, HEAD_BYTES);
    const open = this.#channels.get(head.getUint16(0));
    if (!open) return; // left while these bytes were under way
    const flags = head.getUint8(2);
    const bytes = new Uint8Array(buffer, HEAD_BYTES);
    if (flags & INIT) open.viewer.started(open.mime, bytes, open.note);
    else open.viewer.fragment(bytes, Boolean(flags & KEY), Number(head.getBigInt64(4)) / 1000);
  }
}
