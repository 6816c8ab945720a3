// The clip one takes along: fetched with progress, saved under the camera's name and time.

import { query, ask } from "./api.js";
import { _, figure } from "./texts.js";
import { clock, dayOf, iso, lengthWords } from "./time.js";
import { toast } from "./toast.js";

const AROUND_MS = 30000;
const IN_MEMORY_BYTES = 600e6; // what is longer is left to the browser's own downloads

/** `button` starts it, and stops it while it runs; `words` is the element inside that tells. */
export class Clip {
  #button;
  #words;
  #camera;
  #span; // () => [from, to]
  #abort = null;

  constructor(button, words, camera, span) {
    this.#button = button;
    this.#words = words;
    this.#camera = camera;
    this.#span = span;
    button.addEventListener("click", () => (this.#abort ? this.#abort.abort() : this.#fetch()));
  }

  /** Tell the length of what would be taken. */
  refresh() {
    if (this.#abort) return;
    const [from, to] = this.#span();
    this.#words.textContent = _("Download {length}", { length: lengthWords(to - from) });
  }

  async #fetch() {
    const [from, to] = this.#span();
    const address = `/cameras/${this.#camera.key}/video.mp4${query({ kind: "all", start: iso(from), stop: iso(to), download: 1 })}`;
    this.#abort = new AbortController();
    this.#button.classList.add("busy-stop");
    try {
      const response = await ask(address, { signal: this.#abort.signal });
      const whole = Number(response.headers.get("Content-Length"));
      if (whole > IN_MEMORY_BYTES) {
        this.#abort.abort();
        location.assign(`/api/v1${address}`);
        return;
      }
      save(await this.#read(response, whole), `${this.#camera.name} ${dayOf(from)} ${clock(from).replaceAll(":", "-")}.mp4`);
      toast(_("The clip from {from} to {to} is in your downloads.", { from: clock(from), to: clock(to) }));
    } catch (error) {
      if (error.name === "AbortError") toast(_("The download was stopped."));
      else toast(error.status === 404 ? _("Nothing was recorded between {from} and {to}.", { from: clock(from), to: clock(to) }) : error.message);
    } finally {
      this.#abort = null;
      this.#button.classList.remove("busy-stop");
      this.refresh();
    }
  }

  async #read(response, whole) {
    const pieces = [];
    let got = 0;
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return new Blob(pieces, { type: "video/mp4" });
      pieces.push(value);
      got += value.byteLength;
      this.#words.textContent = _("Stop: {got} of {whole} MB", { got: figure(got / 1e6, 1), whole: figure(whole / 1e6, 1) });
    }
  }
}

/** What is taken when nothing was marked: half a minute on either side. */
export const around = (at) => [at - AROUND_MS, at + AROUND_MS];

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
