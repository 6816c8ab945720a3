// The picture of the replay: video where the browser can play it, JPEG drawn one by one, what the server decodes where
// nothing else goes, words where there is no picture.

import { el, icon, show } from "./dom.js";
import { playsVideo } from "./media_source.js";
import { RecordedJpegs } from "./recorded_jpegs.js";
import { RecordedSound } from "./recorded_sound.js";
import { RecordedStills } from "./recorded_stills.js";
import { RecordedVideo } from "./recorded_video.js";
import { _ } from "./texts.js";
import { clock, now } from "./time.js";
import { gapWords } from "./words.js";

const FIRST_WAY = playsVideo ? "video" : "jpegs"; // what is tried before it is known what was recorded
const BEHIND_MS = 50; // so far behind a gap there is a picture beyond doubt
const SHORT_MS = 5000; // playing begins behind a gap that ends so soon
const AWAITED_MS = 300000; // how far ahead the picture may be that is waited for: some tills' come later than their lines
const PATIENCE_MS = 12000; // how long it is waited for behind its instant, until it is certain that there is none
const FETCHED_MS = 1500; // until a picture that was just taken can be replayed

/** `camera` is {key, id, name, removed}. `listener` has `sound(has)`, `changed()` (plays or stands). */
export class Player {
  #recordings;
  #listener;
  #camera;
  #ways;
  #way = "";
  #speed = 1;
  #seeking = 0;
  #awaited = { at: NaN, plays: false, timer: 0 }; // an instant that is still to come
  #video = el("video", { playsinline: true, disablepictureinpicture: true, tabindex: "-1" });
  #canvas = el("canvas", { hidden: true, width: 0, height: 0 });
  #audio = el("audio"); // the sound of what is drawn
  #sound;
  #moment = el("span", { class: "moment" }, "--:--:--");
  #note = el("p", { class: "picnote", hidden: true });
  #busy = el("span", { class: "tag tr", hidden: true }, _("Fetching the picture…"));
  #none = el("div", { class: "lostwords", hidden: true });
  #figure;

  constructor(figure, camera, recordings, listener) {
    this.#figure = figure;
    this.#camera = camera;
    this.#recordings = recordings;
    this.#listener = listener;
    this.#video.muted = true; // with sound a browser would not begin by itself
    this.#sound = new RecordedSound(this.#audio, camera.key, recordings, this.#told.sound);
    this.#sound.muted = true;
    figure.replaceChildren(this.#canvas, this.#video, this.#audio,
      el("figcaption", { class: "tag tl" }, camera.removed ? null : el("span", { class: "n" }, camera.id), el("b", null, camera.name), this.#moment), this.#busy, this.#note, this.#none);
    this.#use(FIRST_WAY);
  }

  get at() {
    return this.#ways.at;
  }

  get playing() {
    return this.#ways.playing;
  }

  get muted() {
    return this.#video.muted;
  }

  set muted(muted) {
    this.#video.muted = muted;
    this.#sound.muted = muted;
  }

  /** Go to the instant `at`; where nothing was recorded the page says from when to when, and what is still to come is waited for. */
  async seek(at) {
    const turn = ++this.#seeking;
    clearTimeout(this.#awaited.timer);
    let place;
    try {
      place = await this.#recordings.place(at);
    } catch (error) {
      this.#told.failed(error);
      return;
    }
    if (turn !== this.#seeking) return;
    const next = place.gap?.[1] ?? NaN;
    if (this.playing && next - at < SHORT_MS) {
      await this.seek(next + BEHIND_MS);
      return;
    }
    if (place.gap) {
      this.#showGap(place.gap, at);
      return;
    }
    this.#clearGap();
    show(this.#busy, true);
    if (this.#way === "stills") this.#use(FIRST_WAY); // what was recorded at another time may be playable
    if (at === this.#awaited.at && this.#awaited.plays) this.play();
    this.#awaited.at = NaN;
    this.#ways.seek(at);
    this.#tellTime(at);
  }

  /** Where there is no picture it goes on behind that, if anything was recorded there. */
  play() {
    this.#ways.play();
    this.#listener.changed();
    if (!Number.isNaN(this.gapAt)) this.seek(this.#gap[1] === null ? this.gapAt : this.#gap[1] + BEHIND_MS);
  }

  pause() {
    this.#ways.pause();
    this.#listener.changed();
  }

  set speed(speed) {
    this.#speed = speed;
    this.#ways.speed = speed;
  }

  step(direction) {
    if (!Number.isNaN(this.gapAt)) {
      const [from, to] = this.#gap;
      if (direction < 0 && from !== null) this.seek(from - BEHIND_MS);
      if (direction > 0 && to !== null) this.seek(to + BEHIND_MS);
      return;
    }
    this.#ways.step(direction);
    this.#listener.changed();
  }

  /** Bring the clock on the picture up to date; called often. */
  tick() {
    if (this.#none.hidden) this.#tellTime(this.at);
  }

  #told = {
    unplayable: (way, from) => this.#useInstead(way, from),
    sound: (has) => this.#listener.sound(has),
    begun: () => {
      show(this.#busy, false);
      this.#clearGap();
      show(this.#video, this.#way === "video");
      show(this.#canvas, this.#way !== "video");
      this.#tellNote(this.#way === "stills" ? STILLS() : "");
    },
    failed: (error) => {
      show(this.#busy, false);
      this.#tellNote(error?.message || _("The picture could not be fetched. Trying again."));
    },
    ranOut: (at) => this.#recordings.place(at).then(({ gap }) => { if (gap) this.#showGap(gap, at); }, () => {}),
  };

  #use(way) {
    const playing = this.#ways?.playing ?? false;
    this.#ways?.close();
    this.#way = way;
    const { key } = this.#camera;
    if (way === "video") this.#ways = new RecordedVideo(this.#video, key, this.#recordings, this.#told);
    else this.#ways = new (way === "jpegs" ? RecordedJpegs : RecordedStills)(this.#canvas, key, this.#recordings, this.#told, this.#sound);
    this.#ways.speed = this.#speed;
    if (playing) this.#ways.play();
  }

  #useInstead(way, from) {
    const at = Math.max(this.at, from);
    this.#use(way === "video" && !playsVideo ? "stills" : way);
    this.#ways.seek(at);
  }

  #tellNote(words) {
    this.#note.textContent = words;
    show(this.#note, words !== "");
    this.#figure.classList.toggle("noted", words !== "");
  }

  /** Whether the picture of `at`, behind all that was recorded, is still to come; then it is looked for again. */
  #awaits(at) {
    const ahead = at - now();
    if (ahead > AWAITED_MS || (at === this.#awaited.at ? ahead < -PATIENCE_MS : ahead <= 0)) return false;
    const plays = this.playing || (at === this.#awaited.at && this.#awaited.plays);
    this.#awaited = { at, plays, timer: setTimeout(() => this.seek(at), Math.max(FETCHED_MS, ahead + FETCHED_MS)) };
    return true;
  }

  #showGap([from, to, cause], at) {
    const comes = to === null && this.#awaits(at);
    this.pause();
    show(this.#busy, false);
    this.#tellTime(at);
    this.#figure.classList.add("lost");
    const words = comes ? _("The picture of {time} is still to come", { time: clock(at) }) : from !== null && to !== null
      ? _("No picture from {from} to {to}", { from: clock(from), to: clock(to) })
      : from !== null ? _("No picture after {from}", { from: clock(from) })
        : to !== null ? _("No picture before {to}", { to: clock(to) }) : _("Nothing was recorded on this day");
    const jumps = [];
    if (from !== null) jumps.push(el("button", { class: "btn os", type: "button", onclick: () => this.seek(from - 2000) }, icon("stepb"), _("To {time}", { time: clock(from) })));
    if (to !== null) jumps.push(el("button", { class: "btn os", type: "button", onclick: () => this.seek(to + BEHIND_MS) }, _("To {time}", { time: clock(to) }), icon("stepf")));
    const why = gapWords(cause);
    this.#none.replaceChildren(el("strong", null, words), ...(comes ? [el("p", null, _("It is shown as soon as it is there."))] : why ? [el("p", null, _("The reason: {why}.", { why }))] : []), el("div", { class: "row wrap" }, jumps));
    show(this.#none, true);
    this.gapAt = at;
    this.#gap = [from, to];
  }

  /** The instant asked for where nothing was recorded, else NaN. */
  gapAt = NaN;

  #gap = [null, null];

  #clearGap() {
    this.gapAt = NaN;
    this.#figure.classList.remove("lost");
    show(this.#none, false);
  }

  #tellTime(at) {
    this.#moment.textContent = clock(at);
  }
}

const STILLS = () => _("This browser cannot play this kind of picture: single pictures are shown. The clip you download holds all of them.");
