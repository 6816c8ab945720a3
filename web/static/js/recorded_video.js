// Recorded H.264 by Media Source Extensions: windows of footage are fetched ahead of the play head.
// The fragments carry wall time; on the element's own time line 0 is `base`.

import { ask, query } from "./api.js";
import { goesTo } from "./footage_stop.js";
import { canPlay, sourceFor } from "./media_source.js";
import { hasSound, headLength, jpegTrack, joined, mimeOf } from "./mp4.js";
import { dayEnd, dayOf, dayStart, iso, now } from "./time.js";

const WINDOW_MS = 20000;
const KEEP_BEHIND_S = 40;
const AHEAD_S = 15; // at speed 1
const EDGE_MS = 1500; // closer to the present than this nothing is whole yet
const LAST_PICTURE_S = 0.5; // a player stands still when only its last picture is left
const NEAR_S = 0.35; // a picture that begins so little after the place asked for is the one meant
const JOINED_S = 1.6; // within a span no picture is longer in coming than this

/**
 * Plays one camera's recordings in a `<video>`. `listener` has `unplayable(way, from)` (what lies from there on cannot be
 * played here, but perhaps as "jpegs" or "stills"), `sound(has)`, `failed(error)`, `ranOut(at)` (no more footage at this instant), `begun()` (a picture stands).
 */
export class RecordedVideo {
  #video;
  #camera;
  #recordings;
  #listener;
  #source = null;
  #buffer = null;
  #mime = "";
  #base = 0;
  #fetchedTo = 0;
  #fetching = null;
  #speed = 1;
  #wanted = NaN; // an instant that is shown as soon as its footage is there
  #other = null; // {way, from}: what was fetched ahead must be shown in another way
  #playing = false;
  #frameSeconds = 0.04;
  #lastFrame = NaN;
  #address = "";
  #timer;
  #closed = false;

  constructor(video, camera, recordings, listener) {
    this.#video = video;
    this.#camera = camera;
    this.#recordings = recordings;
    this.#listener = listener;
    this.#timer = setInterval(() => this.#goOn(), 200);
    video.addEventListener("error", this.#broke);
    this.#learnFrames();
  }

  /** The instant of the picture now shown. */
  get at() {
    if (!Number.isNaN(this.#wanted)) return this.#wanted;
    return Math.round(this.#base + this.#video.currentTime * 1000);
  }

  get playing() {
    return this.#playing;
  }

  get frameMs() {
    return this.#frameSeconds * 1000;
  }

  /** Show the picture of the instant `at`; goes on playing if it was. */
  seek(at) {
    this.#wanted = at;
    this.#other = null;
    if (this.#isBuffered(at)) this.#arrive();
    else this.#begin(at);
  }

  play() {
    this.#playing = true;
    this.#video.playbackRate = this.#speed;
    if (Number.isNaN(this.#wanted)) this.#video.play().catch(() => {});
  }

  pause() {
    this.#playing = false;
    this.#video.pause();
  }

  set speed(speed) {
    this.#speed = speed;
    this.#video.playbackRate = speed;
    this.#video.defaultPlaybackRate = speed;
  }

  /** One picture on (1) or back (-1). */
  step(direction) {
    this.pause();
    this.seek(this.at + direction * this.frameMs * 1.02);
  }

  close() {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#video.removeEventListener("error", this.#broke);
    this.#fetching?.abort();
    this.#drop();
  }

  // ── fetching ──

  #begin(at) {
    this.#fetching?.abort();
    this.#fetching = null;
    const day = dayStart(dayOf(at));
    if (this.#source && day === this.#base && this.#buffer && !this.#buffer.updating) this.#clear();
    else this.#open(day);
    this.#fetchedTo = at;
    this.#goOn();
  }

  #open(base) {
    this.#drop();
    this.#base = base;
    this.#source = sourceFor(this.#video);
    this.#address = URL.createObjectURL(this.#source);
    this.#video.src = this.#address;
  }

  #drop() {
    if (!this.#source) return;
    this.#source = null;
    this.#buffer = null;
    this.#mime = "";
    this.#video.removeAttribute("src");
    this.#video.load();
    URL.revokeObjectURL(this.#address);
  }

  #clear() {
    if (this.#buffer.buffered.length) this.#buffer.remove(0, Infinity);
  }

  #goOn() {
    this.#overGap();
    if (!this.#source || this.#fetching) return;
    if (this.#other) {
      if (this.#bufferedAhead() < LAST_PICTURE_S && this.#secondsAhead() < LAST_PICTURE_S) this.#leave();
      return;
    }
    const enough = Number.isNaN(this.#wanted) && this.#secondsAhead() > AHEAD_S * Math.max(1, this.#speed);
    if (!enough) this.#fetchNext();
  }

  /** How much is buffered from the play head on, gaps not counted. */
  #secondsAhead() {
    const { buffered, currentTime } = this.#video;
    let sum = 0;
    for (let n = 0; n < buffered.length; n += 1) sum += Math.max(0, buffered.end(n) - Math.max(currentTime, buffered.start(n)));
    return sum;
  }

  async #fetchNext() {
    const abort = new AbortController();
    this.#fetching = abort;
    try {
      const place = await this.#recordings.place(this.#fetchedTo);
      if (abort.signal.aborted) return;
      if (place.gap) await this.#skip(place.gap);
      else await this.#fetchWindow(place, abort.signal);
    } catch (error) {
      if (error.name === "AbortError" || abort.signal.aborted) return;
      if (error.status === 404) this.#fetchedTo += 1000; // the index and the files differ by less than a fragment
      else {
        this.#listener.failed(error);
        await new Promise((done) => { setTimeout(done, 2000); });
      }
    } finally {
      if (this.#fetching === abort) this.#fetching = null;
    }
  }

  async #skip([, next]) {
    if (next !== null && next < dayEnd(dayOf(this.#fetchedTo))) {
      if (!Number.isNaN(this.#wanted) && this.#wanted < next) this.#wanted = next;
      this.#fetchedTo = next;
      return;
    }
    if (Number.isNaN(this.#wanted) && this.#bufferedAhead() > LAST_PICTURE_S) return; // what is fetched is played first
    if (now() - this.#fetchedTo > 10000 || !Number.isNaN(this.#wanted)) this.#listener.ranOut(this.#fetchedTo);
    await new Promise((done) => { setTimeout(done, 1000); }); // at the present: the open segment grows
  }

  async #fetchWindow({ at, spanEnd }, signal) {
    const stop = Math.min(at + WINDOW_MS * Math.max(1, this.#speed), spanEnd, now() - EDGE_MS);
    if (stop - at < 200) {
      await new Promise((done) => { setTimeout(done, 500); });
      return;
    }
    const response = await ask(`/cameras/${this.#camera}/video.mp4${query({ kind: "all", start: iso(at), stop: iso(stop), absolute: 1 })}`, { signal });
    const reader = response.body.getReader();
    let head = new Uint8Array(0);
    for (;;) {
      const { done, value } = await reader.read();
      if (signal.aborted) return;
      if (value && head) head = await this.#takeHead(joined([head, value]), at, signal);
      else if (value) await this.#append(value, signal);
      if (done) break;
      if (!this.#source) return;
    }
    this.#fetchedTo = goesTo(response, stop, spanEnd);
  }

  /** Prepare the buffer from the head of a window; returns what is still missing of it, or null when it is taken. */
  async #takeHead(bytes, from, signal) {
    const length = headLength(bytes);
    if (!length) return bytes;
    const mime = mimeOf(bytes.subarray(0, length));
    if (!mime || !canPlay(mime)) {
      this.#other = { way: jpegTrack(bytes) ? "jpegs" : "stills", from };
      if (!Number.isNaN(this.#wanted)) this.#leave(); // else what is buffered is played first
      throw new DOMException("cannot be played", "AbortError");
    }
    this.#listener.sound(hasSound(bytes.subarray(0, length)));
    await this.#prepare(mime);
    await this.#append(bytes, signal);
    return null;
  }

  #leave() {
    const { way, from } = this.#other;
    this.close();
    this.#listener.unplayable(way, from);
  }

  async #prepare(mime) {
    if (this.#source.readyState !== "open") {
      await new Promise((done) => { this.#source.addEventListener("sourceopen", done, { once: true }); });
    }
    if (!this.#buffer) {
      this.#buffer = this.#source.addSourceBuffer(mime);
      this.#source.duration = (dayEnd(dayOf(this.#base + 1000)) - this.#base) / 1000;
    } else if (mime !== this.#mime) {
      await this.#idle();
      this.#buffer.changeType(mime);
    }
    await this.#idle();
    this.#buffer.timestampOffset = -this.#base / 1000;
    this.#mime = mime;
  }

  async #append(bytes, signal) {
    await this.#idle();
    if (signal.aborted || !this.#buffer) return;
    try {
      this.#buffer.appendBuffer(bytes);
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error;
      this.#buffer.remove(0, Math.max(0.1, this.#video.currentTime - 2));
      await this.#idle();
      this.#buffer.appendBuffer(bytes);
    }
    await this.#idle();
    this.#arrive();
    this.#trim();
  }

  async #idle() {
    while (this.#buffer?.updating) {
      const buffer = this.#buffer;
      await new Promise((done) => { buffer.addEventListener("updateend", done, { once: true }); });
    }
  }

  #trim() {
    const { buffered } = this.#video;
    const to = this.#video.currentTime - KEEP_BEHIND_S;
    if (this.#buffer && !this.#buffer.updating && buffered.length && buffered.start(0) < to - 10) this.#buffer.remove(0, to);
  }

  // ── the play head ──

  #seconds(at) {
    return (at - this.#base) / 1000;
  }

  #isBuffered(at) {
    return this.#rangeOf(this.#seconds(at)) >= 0;
  }

  #rangeOf(seconds, near = NEAR_S) {
    const { buffered } = this.#video;
    for (let n = 0; n < buffered.length; n += 1) {
      if (seconds >= buffered.start(n) - near && seconds < buffered.end(n)) return n;
    }
    return -1;
  }

  #bufferedAhead() {
    const n = this.#rangeOf(this.#video.currentTime);
    return n < 0 ? 0 : this.#video.buffered.end(n) - this.#video.currentTime;
  }

  #arrive() {
    if (Number.isNaN(this.#wanted)) return;
    const n = this.#rangeOf(this.#seconds(this.#wanted), JOINED_S); // what is buffered was fetched from there on
    if (n < 0) return;
    this.#video.currentTime = Math.max(this.#seconds(this.#wanted), this.#video.buffered.start(n) + 0.001);
    this.#wanted = NaN;
    this.#listener.begun();
    this.#video.playbackRate = this.#speed;
    if (this.#playing) this.#video.play().catch(() => {});
  }

  #overGap() {
    const stalled = this.#video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA; // on the last picture before the gap
    if (!this.#playing || !Number.isNaN(this.#wanted) || !stalled || this.#bufferedAhead() > LAST_PICTURE_S) return;
    const { buffered, currentTime } = this.#video;
    for (let n = 0; n < buffered.length; n += 1) {
      if (buffered.start(n) > currentTime) {
        this.#video.currentTime = buffered.start(n) + 0.001;
        return;
      }
    }
  }

  #learnFrames() {
    this.#video.requestVideoFrameCallback?.((_when, { mediaTime }) => {
      const apart = mediaTime - this.#lastFrame;
      if (apart > 0.005 && apart < 1.5) this.#frameSeconds = apart < this.#frameSeconds ? apart : this.#frameSeconds * 0.7 + apart * 0.3;
      this.#lastFrame = mediaTime;
      if (!this.#closed) this.#learnFrames();
    });
  }

  #broke = () => {
    if (!this.#source) return;
    const at = this.at;
    this.#drop();
    this.#listener.failed(this.#video.error);
    this.#wanted = at + 500; // what broke it is left out
    this.#begin(this.#wanted);
  };
}
