// Live H.264 by Media Source Extensions: fragments are appended as they come, the play head stays near the live edge.

import { sourceFor } from "./media_source.js";
import { beginsAt, joined } from "./mp4.js";

const NEAREST_S = 0.25; // how close to the newest picture the play head is put
const HURRY_S = 0.2; // this much further away it plays a little faster
const JUMP_S = 2; // from this distance on it jumps
const FASTEST = 1.4;
const KEEP_S = 8; // what is kept behind the play head
const TRIM_EVERY_S = 4;

/** Feeds one `<video>`. `failed()` is called once when it cannot go on: begin again with a new one. */
export class MseFeed {
  #video;
  #source;
  #buffer = null;
  #waiting = [];
  #address;
  #head;
  #placed = false;
  #trimmedTo = 0;
  #dead = false;
  #failed;
  #frameSeconds = 0.04;
  #lastAt = NaN;

  constructor(video, mime, init, failed) {
    this.#video = video;
    this.#source = sourceFor(video);
    this.#failed = failed;
    this.#head = init;
    this.#waiting.push(init);
    this.#address = URL.createObjectURL(this.#source);
    this.#source.addEventListener("sourceopen", () => this.#open(mime), { once: true });
    video.addEventListener("error", this.#broke);
    video.addEventListener("waiting", this.#overGap);
    video.src = this.#address;
  }

  /** One moof+mdat of the picture at `at` (milliseconds). */
  append(bytes, at) {
    if (this.#dead) return;
    const apart = (at - this.#lastAt) / 1000;
    if (apart > 0 && apart < 2) this.#frameSeconds += (apart - this.#frameSeconds) / 16;
    this.#lastAt = at;
    this.#waiting.push(bytes);
    this.#next();
  }

  /** Bring the stream's own times, which may count from any beginning, near zero. */
  #place() {
    this.#placed = true;
    this.#buffer.timestampOffset = -Math.floor(beginsAt(this.#head, this.#waiting[1]));
  }

  /** Wall time of the picture now shown; NaN while there is none. */
  get shownAt() {
    const end = this.#end;
    return Number.isNaN(end) ? NaN : this.#lastAt - Math.max(0, end - this.#frameSeconds - this.#video.currentTime) * 1000;
  }

  /** Go to the newest picture. */
  toEdge() {
    const end = this.#end;
    if (!Number.isNaN(end)) this.#video.currentTime = Math.max(this.#video.buffered.start(this.#video.buffered.length - 1), end - this.#distance);
  }

  /** Let go of everything. */
  stop() {
    this.#dead = true;
    this.#video.removeEventListener("error", this.#broke);
    this.#video.removeEventListener("waiting", this.#overGap);
    this.#video.removeAttribute("src");
    this.#video.load();
    URL.revokeObjectURL(this.#address);
  }

  get #distance() {
    return Math.max(NEAREST_S, this.#frameSeconds * 2.5);
  }

  get #end() {
    const { buffered } = this.#video;
    return buffered.length ? buffered.end(buffered.length - 1) : NaN;
  }

  #open(mime) {
    if (this.#dead) return;
    try {
      this.#buffer = this.#source.addSourceBuffer(mime);
      this.#source.duration = Infinity;
    } catch {
      this.#broke();
      return;
    }
    this.#buffer.addEventListener("updateend", () => this.#appended());
    this.#buffer.addEventListener("error", this.#broke);
    this.#next();
  }

  #next() {
    if (this.#dead || !this.#buffer || this.#buffer.updating || !this.#waiting.length || this.#source.readyState !== "open") return;
    if (!this.#placed && this.#waiting.length < 2) return; // the first picture says where time begins
    try {
      if (!this.#placed) this.#place();
      this.#buffer.appendBuffer(joined(this.#waiting));
      this.#waiting.length = 0;
    } catch (error) {
      if (error.name === "QuotaExceededError" && this.#trim(1)) return; // goes on when the room is made
      this.#broke();
    }
  }

  #appended() {
    if (this.#dead) return;
    this.#steer();
    if (this.#video.currentTime - this.#trimmedTo > KEEP_S + TRIM_EVERY_S && !this.#waiting.length && this.#trim(KEEP_S)) return;
    this.#next();
  }

  #steer() {
    const end = this.#end;
    if (Number.isNaN(end)) return;
    const behind = end - this.#video.currentTime;
    if (behind > JUMP_S || behind < -0.5) this.toEdge();
    const much = behind - this.#distance - HURRY_S;
    this.#video.playbackRate = much > 0 ? Math.min(FASTEST, 1.05 + much * 0.4) : behind < this.#distance * 0.5 ? 0.97 : 1;
    if (this.#video.paused && !document.hidden) this.#video.play().catch(() => {}); // refused until the person has done something: muted video is not
  }

  #trim(keep) {
    const to = this.#video.currentTime - keep;
    if (this.#buffer.updating) return false; // a fragment came between the end of the last one and being told of it
    if (to <= this.#trimmedTo || !this.#buffer.buffered.length || to <= this.#buffer.buffered.start(0)) return false;
    this.#buffer.remove(0, to);
    this.#trimmedTo = to;
    return true;
  }

  #overGap = () => {
    // the play head stands before pictures that will never come
    const { buffered, currentTime } = this.#video;
    for (let n = 0; n < buffered.length; n += 1) {
      if (buffered.start(n) > currentTime) {
        this.#video.currentTime = buffered.start(n) + 0.01;
        return;
      }
    }
  };

  #broke = () => {
    if (this.#dead) return;
    this.stop();
    this.#failed();
  };
}
