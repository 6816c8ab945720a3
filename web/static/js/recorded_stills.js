// Recordings that the browser can neither play nor draw (H.265, MPEG-4), as single pictures that the server decodes: the
// same interface as RecordedVideo.

import { drawn } from "./jpeg.js";
import { PlayHead } from "./play_head.js";
import { iso, now } from "./time.js";

const EVERY_MS = 700; // the server decodes each picture: no more often than this
const STEP_MS = 1000;
const GROWS_MS = 10000;
const MOST_LATE_MS = 1500;

export class RecordedStills {
  #canvas;
  #camera;
  #recordings;
  #listener;
  #head;
  #playing = false;
  #speed = 1;
  #lateMs = 200; // how long a picture takes to come: while playing the one is asked for that is due then
  #busy = false;
  #turn = 0; // counts the places it was sent to
  #shownAt = NaN;
  #timer;

  /** `sound`: a RecordedSound of the same recordings. */
  constructor(canvas, camera, recordings, listener, sound) {
    this.#canvas = canvas;
    this.#camera = camera;
    this.#recordings = recordings;
    this.#listener = listener;
    this.#head = new PlayHead(now(), sound);
    sound.wanted = true; // nothing but asking for it tells
    this.#timer = setInterval(() => this.#show(), EVERY_MS);
  }

  get at() {
    return this.#head.at;
  }

  get playing() {
    return this.#playing;
  }

  get frameMs() {
    return STEP_MS;
  }

  seek(at) {
    this.#turn += 1;
    this.#head.at = at;
    this.#show();
  }

  play() {
    this.#playing = true;
    this.#head.runs = true;
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
    this.seek(this.at + direction * STEP_MS);
  }

  close() {
    clearInterval(this.#timer);
    this.#head.close();
    this.#turn = NaN; // nothing is shown any more
  }

  async #show() {
    let at = this.at + (this.#playing ? this.#lateMs * this.#speed : 0);
    const turn = this.#turn;
    if (this.#busy || Number.isNaN(turn) || Math.abs(at - this.#shownAt) < 100) return;
    this.#busy = true;
    try {
      let place = await this.#recordings.place(at);
      if (place.gap && at > this.at) {
        at = this.at;
        place = await this.#recordings.place(at);
      }
      if (turn === this.#turn) {
        if (place.gap) this.#gap(place.gap, at);
        else await this.#draw(at, turn);
      }
    } catch (error) {
      if (turn === this.#turn) this.#listener.failed(error);
    }
    this.#busy = false;
    if (turn !== this.#turn) this.#show(); // it was sent elsewhere meanwhile
  }

  #gap([end, next], at) {
    if (next !== null && this.#playing) this.seek(next);
    else if (end !== null && now() - at < GROWS_MS) this.#head.at = end; // at the present: it waits for what comes
    else this.#listener.ranOut(at);
  }

  async #draw(at, turn) {
    const asked = performance.now();
    const response = await fetch(`/api/v1/cameras/${this.#camera}/snapshot.jpg?at=${iso(at)}`);
    if (!response.ok) return; // no key frame there yet: the next try is soon
    const picture = await createImageBitmap(await response.blob());
    const took = performance.now() - asked;
    const early = (at - this.at) / this.#speed;
    if (this.#playing && early > 20) await pause(early);
    if (turn === this.#turn) {
      drawn(this.#canvas, picture, picture.width, picture.height);
      this.#canvas.dataset.at = at;
      this.#shownAt = at;
      this.#lateMs = Math.min(MOST_LATE_MS, (this.#lateMs + took) / 2);
      this.#listener.begun();
    }
    picture.close();
  }
}

const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
