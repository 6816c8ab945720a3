// Recordings that the browser can neither play nor draw (H.265, MPEG-4), as single pictures that the server decodes: the
// same interface as RecordedVideo.

import { drawn } from "./jpeg.js";
import { iso, now } from "./time.js";

const EVERY_MS = 700; // the server decodes each picture: no more often than this
const STEP_MS = 1000;

export class RecordedStills {
  #canvas;
  #camera;
  #recordings;
  #listener;
  #from; // instant and moment of the clock from which playing runs
  #since = 0;
  #playing = false;
  #speed = 1;
  #busy = false;
  #shownAt = NaN;
  #timer;

  constructor(canvas, camera, recordings, listener) {
    this.#canvas = canvas;
    this.#camera = camera;
    this.#recordings = recordings;
    this.#listener = listener;
    this.#from = now();
    this.#timer = setInterval(() => this.#show(), EVERY_MS);
  }

  get at() {
    return this.#playing ? this.#from + (performance.now() - this.#since) * this.#speed : this.#from;
  }

  get playing() {
    return this.#playing;
  }

  get frameMs() {
    return STEP_MS;
  }

  seek(at) {
    this.#from = at;
    this.#since = performance.now();
    this.#show();
  }

  play() {
    this.#since = performance.now();
    this.#playing = true;
  }

  pause() {
    this.#from = this.at;
    this.#playing = false;
  }

  set speed(speed) {
    this.#from = this.at;
    this.#since = performance.now();
    this.#speed = speed;
  }

  step(direction) {
    this.pause();
    this.seek(this.at + direction * STEP_MS);
  }

  close() {
    clearInterval(this.#timer);
    this.#busy = true;
  }

  async #show() {
    const { at } = this;
    if (this.#busy || Math.abs(at - this.#shownAt) < 100) return;
    this.#busy = true;
    try {
      const place = await this.#recordings.place(at);
      if (place.gap) this.#gap(place.gap, at);
      else await this.#draw(at);
    } catch (error) {
      this.#listener.failed(error);
    }
    this.#busy = false;
  }

  #gap([, next], at) {
    if (next !== null && this.#playing) this.seek(next);
    else this.#listener.ranOut(at);
  }

  async #draw(at) {
    const response = await fetch(`/api/v1/cameras/${this.#camera}/snapshot.jpg?at=${iso(at)}`);
    if (!response.ok) return; // no key frame there yet: the next try is soon
    const picture = await createImageBitmap(await response.blob());
    drawn(this.#canvas, picture, picture.width, picture.height);
    picture.close();
    this.#shownAt = at;
    this.#listener.begun();
  }
}
