// The present place of pictures that are drawn one by one. It runs by this device's clock; while there is sound, the
// sound's clock leads.

const LOOK_MS = 50;
const NEAR_MS = 150; // closer to the sound than this it is brought into step gently: no picture is seen twice
const GENTLY = 0.2;

export class PlayHead {
  #sound;
  #from;
  #since = performance.now();
  #runs = false;
  #speed = 1;
  #timer;

  /** `sound` is a RecordedSound. */
  constructor(at, sound) {
    this.#from = at;
    this.#sound = sound;
    sound.speed = 1;
    this.#timer = setInterval(() => this.#keepStep(), LOOK_MS);
  }

  get at() {
    return this.#runs ? this.#from + (performance.now() - this.#since) * this.#speed : this.#from;
  }

  /** Go there. */
  set at(at) {
    this.#from = at;
    this.#since = performance.now();
  }

  set runs(runs) {
    this.at = this.at;
    this.#runs = runs;
    this.#keepStep();
  }

  set speed(speed) {
    this.at = this.at;
    this.#speed = speed;
    this.#sound.speed = speed;
  }

  close() {
    clearInterval(this.#timer);
    this.#sound.stop();
  }

  #keepStep() {
    const { at } = this;
    const heard = this.#sound.follow(at, this.#runs);
    if (Number.isNaN(heard)) return;
    const apart = heard - at;
    this.at = this.#sound.begins || Math.abs(apart) > NEAR_MS * this.#speed ? heard : at + apart * GENTLY;
  }
}
