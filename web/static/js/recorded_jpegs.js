// Recorded MJPEG at its full rate: the browser can draw JPEG, so the pictures are taken out of the footage and drawn
// when they are due. The same interface as RecordedVideo.

import { ask, query } from "./api.js";
import { goesTo } from "./footage_stop.js";
import { drawn } from "./jpeg.js";
import { Fragments, hasSound, headLength, jpegTrack, joined, samplesOf } from "./mp4.js";
import { PlayHead } from "./play_head.js";
import { dayEnd, dayOf, iso, now } from "./time.js";

const WINDOW_MS = 10000;
const AHEAD_MS = 8000; // at speed 1
const KEEP_BEHIND_MS = 4000;
const EDGE_MS = 1500; // closer to the present than this nothing is whole yet
const STEP_BACK_MS = 500; // so much is fetched from before the place asked for: one step back must not wait
const NEAR_MS = 350; // a picture that begins so little after the place asked for is the one meant
const JOINED_MS = 1600; // within a span no picture is longer in coming than this
const OFTEN_MS = 200;

export class RecordedJpegs {
  #canvas;
  #camera;
  #recordings;
  #listener;
  #frames = []; // {at, bytes} in order
  #fetchedTo = 0;
  #fetching = null;
  #head;
  #sound;
  #other = NaN; // from there on there is something else than single pictures
  #playing = false;
  #speed = 1;
  #shown = null; // the frame on the canvas
  #arrived = false; // whether the picture asked for by the last seek was drawn
  #drawing = false;
  #frameMs = 100;
  #timer;
  #closed = false;

  /** `sound`: a RecordedSound of the same recordings. */
  constructor(canvas, camera, recordings, listener, sound) {
    this.#canvas = canvas;
    this.#camera = camera;
    this.#recordings = recordings;
    this.#listener = listener;
    this.#sound = sound;
    this.#head = new PlayHead(now(), sound);
    this.#timer = setInterval(() => this.#goOn(), OFTEN_MS);
    this.#everyPicture();
  }

  get at() {
    return this.#head.at;
  }

  get playing() {
    return this.#playing;
  }

  get frameMs() {
    return this.#frameMs;
  }

  seek(at) {
    this.#wait(at);
    this.#other = NaN;
    if (this.#due(at, NEAR_MS)) return;
    this.#fetching?.abort();
    this.#fetching = null;
    this.#frames = [];
    this.#fetchedTo = at - STEP_BACK_MS;
    this.#goOn();
  }

  play() {
    this.#playing = true;
    this.#head.runs = this.#arrived;
  }

  pause() {
    this.#playing = false;
    this.#head.runs = false;
  }

  set speed(speed) {
    this.#speed = speed;
    this.#head.speed = speed;
  }

  step(direction) {
    this.pause();
    const place = this.#frames.indexOf(this.#shown);
    const next = this.#frames[place + direction];
    this.seek(place >= 0 && next ? next.at : this.at + direction * this.#frameMs * 1.02);
  }

  close() {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#fetching?.abort();
    this.#head.close();
  }

  // ── drawing ──

  /** Stand at `at` until its picture is there. */
  #wait(at) {
    this.#arrived = false;
    this.#head.runs = false;
    this.#head.at = at;
  }

  /** The frame that shows the instant `at`, if it was fetched. */
  #due(at, near = JOINED_MS) {
    const place = this.#frames.findLastIndex((frame) => frame.at <= at + 0.5);
    if (place < 0) return this.#frames.length && this.#frames[0].at - at < near ? this.#frames[0] : null;
    return place < this.#frames.length - 1 || at < this.#fetchedTo ? this.#frames[place] : null;
  }

  #everyPicture() {
    if (this.#closed) return;
    requestAnimationFrame(() => this.#everyPicture());
    const { at } = this;
    const frame = this.#due(at);
    if (!frame) {
      if (this.#playing && this.#arrived) this.#wait(Math.min(at, this.#fetchedTo)); // what comes next is not there yet
    } else if (frame !== this.#shown || !this.#arrived) {
      this.#draw(frame);
    }
  }

  async #draw(frame) {
    if (this.#drawing) return;
    this.#drawing = true;
    try {
      const picture = await createImageBitmap(new Blob([frame.bytes], { type: "image/jpeg" }));
      if (!this.#closed) {
        drawn(this.#canvas, picture, picture.width, picture.height);
        this.#canvas.dataset.at = frame.at; // when the picture was taken
      }
      picture.close();
    } catch {
      // a picture that cannot be decoded: the next one replaces it
    }
    this.#drawing = false;
    this.#shown = frame;
    if (!this.#closed && !this.#arrived && this.#due(this.at) === frame) this.#arrive(frame);
  }

  #arrive(frame) {
    this.#arrived = true;
    if (frame.at > this.at) this.#head.at = frame.at;
    this.#head.runs = this.#playing;
    this.#listener.begun();
  }

  // ── fetching ──

  #goOn() {
    const { at } = this;
    const old = this.#frames.findIndex((frame) => frame.at >= at - KEEP_BEHIND_MS);
    if (old > 0) this.#frames.splice(0, old);
    if (!Number.isNaN(this.#other)) {
      if (!this.#arrived) this.#leave(); // what was fetched is shown
      return;
    }
    if (!this.#fetching && this.#fetchedTo - at < AHEAD_MS * Math.max(1, this.#speed)) this.#fetchNext();
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
        await pause(2000);
      }
    } finally {
      if (this.#fetching === abort) this.#fetching = null;
    }
  }

  async #skip([, next]) {
    if (!this.#arrived && next !== null && next - this.at < NEAR_MS) {
      this.#fetchedTo = next; // the little before the place asked for lies in the gap
    } else if (this.at < this.#fetchedTo - this.#frameMs) {
      await pause(OFTEN_MS); // what is fetched is played first
    } else if (next !== null && next < dayEnd(dayOf(this.#fetchedTo))) {
      this.#fetchedTo = next;
      this.#wait(next);
    } else {
      if (now() - this.#fetchedTo > 10000) this.#listener.ranOut(this.#fetchedTo);
      await pause(1000); // at the present: the open segment grows
    }
  }

  async #fetchWindow({ at, spanEnd }, signal) {
    const stop = Math.min(at + WINDOW_MS * Math.max(1, this.#speed), spanEnd, now() - EDGE_MS);
    if (stop - at < 200) {
      await pause(500);
      return;
    }
    const response = await ask(`/cameras/${this.#camera}/video.mp4${query({ kind: "all", start: iso(at), stop: iso(stop), absolute: 1 })}`, { signal });
    const reader = response.body.getReader();
    const fragments = new Fragments();
    let head = new Uint8Array(0);
    let track = null;
    for (;;) {
      const { done, value } = await reader.read();
      if (signal.aborted) return;
      if (done) break;
      if (track) {
        this.#take(fragments.add(value), track, stop);
        continue;
      }
      head = joined([head, value]);
      const length = headLength(head);
      if (!length) continue;
      track = this.#trackOf(head.subarray(0, length), at);
      this.#take(fragments.add(head.subarray(length)), track, stop);
    }
    this.#fetchedTo = goesTo(response, stop, spanEnd);
  }

  #leave() {
    this.close();
    this.#listener.unplayable("video", this.#other); // the camera sent something else then
  }

  #trackOf(head, from) {
    const track = jpegTrack(head);
    if (track) {
      this.#sound.wanted = hasSound(head);
      if (!this.#sound.wanted) this.#listener.sound(false);
      return track;
    }
    if (!this.#arrived && from < this.at) {
      this.#fetchedTo = this.at; // it is only the little before the place asked for
    } else {
      this.#other = from;
      if (!this.#arrived) this.#leave();
    }
    throw new DOMException("these are no single pictures", "AbortError");
  }

  #take(fragments, track, stop) {
    const last = this.#frames[this.#frames.length - 1]?.at ?? 0;
    const fresh = fragments.flatMap((fragment) => samplesOf(fragment, track))
      .map(({ seconds, bytes }) => ({ at: seconds * 1000, bytes }))
      .filter(({ at }) => at > last + 0.5 && at < stop);
    if (!fresh.length) return;
    if (fresh.length > 1) this.#frameMs = (fresh[fresh.length - 1].at - fresh[0].at) / (fresh.length - 1);
    this.#frames.push(...fresh);
    this.#fetchedTo = fresh[fresh.length - 1].at;
  }
}

const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
