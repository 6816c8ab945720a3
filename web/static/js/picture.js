// The picture of a camera as it is now: connecting, moving, lost.

import { el, icon, show } from "./dom.js";
import { JpegFeed, drawn } from "./jpeg.js";
import { canPlay, playsVideo } from "./media_source.js";
import { MseFeed } from "./mse.js";
import { may } from "./page.js";
import { cameraName } from "./settings.js";
import { _, figure } from "./texts.js";
import { clock, now } from "./time.js";
import { lostWords } from "./words.js";

const SLOW_MS = 5000;
const AGAIN_MS = 1000;

/** Draws one camera into a `<figure>`. `camera` is {id, name, state}. */
export class LivePicture {
  #figure;
  #camera;
  #socket;
  #listeners;
  #stream;
  #stills = !playsVideo; // whether single pictures are asked for
  #feed = null;
  #stop = null;
  #since = performance.now();
  #video = el("video", { playsinline: true, autoplay: true, hidden: true, disablepictureinpicture: true, tabindex: "-1" });
  #canvas = el("canvas", { hidden: true, width: 0, height: 0 });
  #last = el("img", { class: "last", alt: "", hidden: true });
  #moment = el("span", { class: "moment", hidden: true });
  #words = el("span");
  #behind = el("span", { class: "mono behind desk-only" });
  #dot = el("span", { class: "live-dot", hidden: true });
  #note = el("p", { class: "picnote", hidden: true });
  #lost = el("div", { class: "lostwords", hidden: true });
  #timer;

  /** Called with true when the camera sends sound. */
  onSound = () => {};

  /** `listeners` may hold `screen`, `silence`, `line` and `state`: what else the socket tells of this camera. `stream`: "main" or "sub". */
  constructor(figure_, camera, socket, listeners = {}, stream = "main") {
    this.#figure = figure_;
    this.#camera = camera;
    this.#listeners = listeners;
    this.#socket = socket;
    this.#stream = stream;
    this.#video.muted = true;
    const caption = el("figcaption", { class: "tag tl" }, el("span", { class: "n" }, camera.id), cameraName(camera), this.#moment);
    const state = el("span", { class: "tag tr" }, this.#dot, this.#words, this.#behind);
    figure_.replaceChildren(this.#last, this.#canvas, this.#video, caption, state, this.#note, this.#lost);
    this.#last.addEventListener("load", () => show(this.#last, !this.#feed));
    this.#last.src = `/api/v1/cameras/${camera.id}/snapshot.jpg`;
    this.#connecting();
    if (camera.state) this.state(camera.state);
    this.#timer = setInterval(() => this.#tick(), 250);
    this.#watch();
    document.addEventListener("visibilitychange", this.#seenAgain);
  }

  /** Follow the camera's status as the server tells it. */
  state(state) {
    this.#camera.state = state;
    if (!this.#feed && state.status !== "active" && state.code !== "connecting") this.#showLost();
    else if (!this.#feed && this.#figure.classList.contains("lost")) this.#connecting();
  }

  /** Sound on or off. */
  set muted(muted) {
    this.#video.muted = muted;
  }

  get muted() {
    return this.#video.muted;
  }

  /** The picture now shown as a canvas of its own size, or null. */
  still() {
    if (!this.#feed) return null;
    if (!this.#video.hidden && this.#video.videoWidth) drawn(this.#canvas, this.#video, this.#video.videoWidth, this.#video.videoHeight);
    return this.#canvas.width ? this.#canvas : null;
  }

  /** Wall time of the picture now shown. */
  get shownAt() {
    return this.#feed?.shownAt ?? NaN;
  }

  /** Stop and let go. */
  close() {
    clearInterval(this.#timer);
    document.removeEventListener("visibilitychange", this.#seenAgain);
    this.#stop?.();
    this.#feed?.stop();
  }

  #watch() {
    this.#stop = this.#socket.watch(this.#camera.id, {
      ...this.#listeners,
      state: (message) => { this.state(message); this.#listeners.state?.(message); },
      started: (mime, init, note) => this.#started(mime, init, note),
      fragment: (bytes, key, at) => this.#feed?.append(bytes, at),
      ended: () => this.#ended(),
      unplugged: () => this.#ended(),
    }, { stream: this.#stream, stills: this.#stills });
  }

  #started(mime, init, note) {
    this.#feed?.stop();
    const still = mime.startsWith("image/");
    if (!still && !canPlay(mime)) {
      this.#stills = true;
      this.#stop();
      this.#watch();
      return;
    }
    this.#feed = still ? new JpegFeed(this.#canvas) : new MseFeed(this.#video, mime, init, () => this.#again());
    this.#tellNote(note === "key_frames" ? _("This browser cannot play this camera's kind of picture: a picture every second or so is shown. All of it is recorded.") : "");
    show(this.#video, !still);
    show(this.#canvas, true); // under the video: what was last seen, until it moves again
    this.onSound(mime.includes("mp4a"));
  }

  #again() {
    this.#feed = null;
    this.#stop?.();
    this.#connecting();
    setTimeout(() => this.#watch(), AGAIN_MS);
  }

  #ended() {
    if (this.#feed) this.still();
    this.#feed?.stop();
    this.#feed = null;
    show(this.#video, false);
    show(this.#canvas, this.#canvas.width > 0 && this.#canvas.height > 0);
    const { state } = this.#camera;
    if (state && state.status !== "active" && state.code !== "connecting") this.#showLost();
    else this.#connecting();
  }

  #connecting() {
    this.#since = performance.now();
    this.#figure.classList.remove("lost", "moving");
    this.#figure.classList.add("connecting");
    show(this.#lost, false);
    show(this.#dot, false);
  }

  #showLost() {
    const { state, id } = this.#camera;
    this.#figure.classList.remove("connecting", "moving");
    this.#figure.classList.add("lost");
    show(this.#dot, false);
    show(this.#moment, false);
    this.#words.textContent = "";
    this.#behind.textContent = "";
    const link = may("cameras") ? el("a", { class: "btn os", href: `/cameras/${id}` }, state.code === "unauthorized" ? _("Enter the new password") : _("Look at its settings")) : null;
    this.#lost.replaceChildren(icon("plug", "i big"), el("strong", null, lostWords(state)), el("p", null, _("Nothing is being recorded here.")), ...(link ? [link] : []));
    show(this.#lost, true);
  }

  #moving() {
    this.#figure.classList.remove("connecting", "lost");
    this.#figure.classList.add("moving");
    show(this.#last, false);
    show(this.#lost, false);
    show(this.#dot, true);
    show(this.#moment, true);
    this.#words.textContent = _("Live");
  }

  #tick() {
    const shown = this.shownAt;
    const seen = !Number.isNaN(shown) && (this.#video.hidden || this.#video.readyState >= 2);
    if (seen && !this.#figure.classList.contains("moving")) this.#moving();
    if (seen) {
      this.#moment.textContent = clock(shown);
      const behind = Math.max(0, (now() - shown) / 1000);
      this.#behind.textContent = _("{seconds} s behind", { seconds: figure(behind, 1) });
    } else if (this.#figure.classList.contains("connecting")) {
      const waited = performance.now() - this.#since;
      this.#words.textContent = waited < SLOW_MS ? _("Connecting…") : _("Connecting… {seconds} s. The camera has not sent a whole picture yet.", { seconds: Math.round(waited / 1000) });
    }
  }

  #tellNote(words) {
    this.#note.textContent = words;
    show(this.#note, words !== "");
    this.#figure.classList.toggle("noted", words !== "");
  }

  #seenAgain = () => {
    if (!document.hidden) this.#feed?.toEdge();
  };
}
