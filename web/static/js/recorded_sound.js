// The sound of recordings whose pictures are drawn one by one: fetched by itself and played in an `<audio>`, in step with
// the pictures. The fragments carry wall time; on the element's own time line 0 is `base`.

import { ask, query } from "./api.js";
import { canPlay, playsVideo, sourceFor } from "./media_source.js";
import { dayOf, dayStart, iso, now } from "./time.js";

const LOOK_MS = 200; // what has to be fetched is looked for so often
const WINDOW_MS = 20000;
const AHEAD_MS = 10000; // at speed 1
const BEFORE_MS = 1000; // so much is fetched from before the place asked for: one step back must not wait
const KEEP_BEHIND_S = 60;
const LITTLE_MS = 2000; // while there is so much it is not asked for less than this
const EDGE_MS = 1500; // closer to the present than this nothing is whole yet
const APART_S = 0.15; // further away from the picture than this it is sent there; how long it may take to begin
const STUCK_MS = 1000; // it does not move although it could: the pictures go on without it
const REFUSED_MS = 2000; // a browser lets no sound begin before somebody has touched the page
const LONGEST_DAY_MS = 25 * 3600e3;

export class RecordedSound {
  #audio;
  #camera;
  #recordings;
  #has;
  #source = null;
  #buffer = null;
  #mime = "";
  #base = NaN;
  #address = "";
  #asked = [NaN, NaN]; // from when to when it was fetched, or found that there is none
  #fetching = null;
  #lookedAt = -Infinity;
  #movedAt = 0; // when and where it was last seen to move
  #movedTo = NaN;
  #restsUntil = 0;
  #speed = 1;

  /** Whether the recordings may have sound. */
  wanted = false;

  /** `has(there)` is called when it is known whether there is sound at the present place. */
  constructor(audio, camera, recordings, has) {
    this.#audio = audio;
    this.#camera = camera;
    this.#recordings = recordings;
    this.#has = has;
  }

  set muted(muted) {
    this.#audio.muted = muted;
    this.#restsUntil = 0;
  }

  set speed(speed) {
    this.#speed = speed;
    this.#audio.playbackRate = speed;
    this.#audio.defaultPlaybackRate = speed;
  }

  /** Whether it is to be heard and does not move yet. */
  get begins() {
    return !this.#audio.paused && (this.#audio.seeking || this.#audio.readyState < HTMLMediaElement.HAVE_FUTURE_DATA);
  }

  /** Be in step with pictures at the instant `at` that run or stand; the instant that is heard, NaN if nothing is. */
  follow(at, runs) {
    if (!this.wanted || !playsVideo) return NaN;
    this.#look(at);
    const place = (at - this.#base) / 1000;
    const until = this.#endOf(place);
    const apart = APART_S * Math.max(1, this.#speed);
    if (Number.isNaN(until) || (runs && until - place < apart && !this.#moves)) return this.#rest();
    if (performance.now() < this.#restsUntil) return this.#rest();
    if (Math.abs(this.#audio.currentTime - place) > apart) this.#audio.currentTime = place;
    if (!runs) return this.#rest();
    if (this.#audio.paused) this.#begin();
    else if (this.#audio.currentTime !== this.#movedTo) [this.#movedAt, this.#movedTo] = [performance.now(), this.#audio.currentTime];
    else if (performance.now() - this.#movedAt > STUCK_MS) return this.#rest(REFUSED_MS);
    return this.#base + this.#audio.currentTime * 1000;
  }

  /** Be silent; what was fetched is kept. */
  stop() {
    this.wanted = false;
    this.#rest();
  }

  // ── playing ──

  get #moves() {
    return !this.#audio.paused && !this.begins;
  }

  #begin() {
    [this.#movedAt, this.#movedTo] = [performance.now(), this.#audio.currentTime];
    this.#audio.play().catch((error) => { if (error.name === "NotAllowedError") this.#rest(REFUSED_MS); });
  }

  /** Be silent, at least for so many milliseconds. */
  #rest(milliseconds = 0) {
    if (milliseconds) this.#restsUntil = performance.now() + milliseconds;
    this.#audio.pause();
    return NaN;
  }

  /** The end of what is buffered around a second of the element, NaN when nothing is. */
  #endOf(place) {
    if (!this.#buffer) return NaN;
    const { buffered } = this.#audio;
    for (let n = 0; n < buffered.length; n += 1) if (place >= buffered.start(n) && place < buffered.end(n)) return buffered.end(n);
    return NaN;
  }

  // ── fetching ──

  #look(at) {
    if (performance.now() - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = performance.now();
    if (!(at >= this.#base && at < this.#base + LONGEST_DAY_MS)) this.#open(dayStart(dayOf(at)));
    const [from, to] = this.#asked;
    if (!(at >= from && at <= to)) {
      this.#fetching?.abort();
      this.#fetching = null;
      this.#asked = [Math.max(this.#base, at - BEFORE_MS), Math.max(this.#base, at - BEFORE_MS)];
    }
    if (!this.#fetching && this.#asked[1] - at < AHEAD_MS * Math.max(1, this.#speed)) this.#fetch(at);
  }

  #open(base) {
    this.#drop();
    this.#base = base;
    this.#asked = [NaN, NaN];
    this.#source = sourceFor(this.#audio);
    this.#address = URL.createObjectURL(this.#source);
    this.#audio.src = this.#address;
    this.#audio.playbackRate = this.#speed;
  }

  #drop() {
    if (!this.#source) return;
    this.#source = null;
    this.#buffer = null;
    this.#audio.removeAttribute("src");
    this.#audio.load();
    URL.revokeObjectURL(this.#address);
  }

  async #fetch(at) {
    const abort = new AbortController();
    this.#fetching = abort;
    try {
      const place = await this.#recordings.place(this.#asked[1]);
      if (abort.signal.aborted) return;
      if (place.gap) {
        const next = place.gap[1];
        if (next !== null) this.#asked[1] = next;
        else await pause(LOOK_MS * 5);
      } else {
        await this.#fetchWindow(place, at, abort.signal);
      }
    } catch (error) {
      if (error.name !== "AbortError" && !abort.signal.aborted) await pause(2000); // the pictures tell what is wrong
    } finally {
      if (this.#fetching === abort) this.#fetching = null;
    }
  }

  async #fetchWindow({ at, spanEnd }, present, signal) {
    const stop = Math.min(at + WINDOW_MS * Math.max(1, this.#speed), spanEnd, now() - EDGE_MS);
    const edge = now() - stop < EDGE_MS * 5;
    if (edge && stop - at < (at - present > LITTLE_MS ? LITTLE_MS : 200)) {
      await pause(LOOK_MS * 2);
      return;
    }
    const after = stop >= spanEnd ? spanEnd + 1 : stop;
    let response;
    try {
      response = await ask(`/cameras/${this.#camera}/sound.mp4${query({ start: iso(at), stop: iso(after) })}`, { signal });
    } catch (error) {
      if (error.status !== 404 || signal.aborted) throw error;
      if (this.wanted && at <= present) this.#has(false);
      this.#asked[1] = after;
      return;
    }
    const bytes = await response.arrayBuffer();
    const mime = response.headers.get("Content-Type");
    if (signal.aborted) return;
    if (canPlay(mime)) await this.#append(bytes, mime, signal);
    if (signal.aborted) return;
    if (this.wanted) this.#has(canPlay(mime));
    const told = Date.parse(response.headers.get("Footage-Stop"));
    this.#asked[1] = told > at + 200 && told < after ? told : after; // another layout begins there, or it is not whole yet
  }

  async #append(bytes, mime, signal) {
    const source = this.#source;
    if (source.readyState !== "open") await new Promise((done) => { source.addEventListener("sourceopen", done, { once: true }); });
    if (signal.aborted) return;
    if (!this.#buffer) this.#buffer = source.addSourceBuffer(mime);
    else if (mime !== this.#mime) this.#buffer.changeType(mime);
    this.#mime = mime;
    const buffer = this.#buffer;
    buffer.timestampOffset = -this.#base / 1000;
    const behind = this.#audio.currentTime - KEEP_BEHIND_S;
    if (behind > 0 && buffer.buffered.length && buffer.buffered.start(0) < behind) {
      buffer.remove(0, behind);
      await idle(buffer);
    }
    buffer.appendBuffer(bytes);
    await idle(buffer);
  }
}

const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

const idle = (buffer) => new Promise((done) => {
  if (buffer.updating) buffer.addEventListener("updateend", done, { once: true });
  else done();
});
