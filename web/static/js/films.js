// The film strip: small pictures of all cameras, each the way to its live page.

import { el, icon, show } from "./dom.js";
import { cameraName } from "./settings.js";
import { _ } from "./texts.js";
import { sinceWords } from "./words.js";

const EVERY_MS = 4000;

/** Fill `strip` with `cameras`; `current` is the id of the one on the stage. */
export function drawFilms(strip, cameras, current, socket) {
  strip.hidden = cameras.length < 2;
  if (strip.hidden) return;
  const films = cameras.map((camera) => new Film(camera, camera.id === current, socket));
  strip.replaceChildren(...films.map(({ element }) => element));
  const here = strip.querySelector("[aria-current]");
  if (here) strip.scrollLeft = here.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;
  setInterval(() => { if (!document.hidden) for (const film of films) film.refresh(); }, EVERY_MS);
}

class Film {
  #camera;
  #image;
  #lost = el("span", { class: "lostline", hidden: true });
  #busy = false;

  constructor(camera, current, socket) {
    this.#camera = camera;
    this.#image = el("img", { alt: "", hidden: true, decoding: "async" });
    this.element = el("a", { href: `/live/${camera.id}`, "aria-current": current ? "true" : null },
      el("span", { class: "tag" }, el("span", { class: "n" }, camera.id), cameraName(camera)), el("span", { class: "film" }, this.#image, this.#lost));
    this.#image.addEventListener("load", () => { this.#busy = false; show(this.#image, this.#active); });
    this.#image.addEventListener("error", () => { this.#busy = false; });
    socket.watch(camera.id, { started() {}, fragment() {}, ended() {}, unplugged() {}, state: (state) => this.#state(state) }, { media: false, lines: false });
    this.#state(camera.state);
    this.refresh();
  }

  get #active() {
    return !this.#camera.state || this.#camera.state.status === "active";
  }

  refresh() {
    if (this.#busy || !this.#active) return;
    this.#busy = true;
    this.#image.src = `/api/v1/cameras/${this.#camera.id}/snapshot.jpg?small=${Date.now()}`;
  }

  #state(state) {
    this.#camera.state = state;
    const lost = !this.#active && state.code !== "connecting";
    this.element.classList.toggle("lost", lost);
    show(this.#lost, lost);
    if (lost) this.#lost.replaceChildren(icon("plug"), _("since {time}", { time: sinceWords(Date.parse(state.since)) }));
    show(this.#image, this.#active && this.#image.naturalWidth > 0);
  }
}
