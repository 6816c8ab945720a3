// Puts the tickets of a till in step with the picture, by looking: until the drawer opens on its line.

import { askJson } from "./api.js";
import { facts } from "./page.js";
import { settingsOf, tillWords } from "./lines.js";
import { _, figure } from "./texts.js";
import { show } from "./dom.js";
import { toast } from "./toast.js";

const MOST_MS = 120000;
const SAVE_MS = 700;

export class Nudge {
  #element;
  #source;
  #changed;
  #several;
  #moved = ""; // the till that it names and moves
  #shown = null;
  #saving = new Map(); // till -> {offset, timer after which it is kept, sent}

  /** `source()` is the till whose ticket is shown, one of `several()`; `changed()` is called when its offset is another. */
  constructor(element, source, changed, several) {
    this.#element = element;
    this.#several = several;
    this.#source = source;
    this.#changed = changed;
    for (const leaving of ["beforeunload", "pagehide"]) addEventListener(leaving, () => this.#saveAll());
    for (const button of element.querySelectorAll("[data-step]")) {
      const step = Number(button.dataset.step);
      const seconds = figure(Math.abs(step) / 1000, Math.abs(step) < 1000 ? 1 : 0);
      button.textContent = `${step > 0 ? "+" : "−"}${seconds}`;
      button.setAttribute("aria-label", step > 0 ? _("{seconds} s later", { seconds }) : _("{seconds} s earlier", { seconds }));
      button.addEventListener("click", () => this.#move(step));
    }
  }

  /** What is set was told anew: an offset that is not kept yet stays as it was chosen. */
  settled() {
    for (const [source, { offset }] of this.#saving) facts.tills[source] = { ...settingsOf(source), offset_ms: offset };
    this.#shown = null;
    this.tick();
  }

  /** Follow the ticket that is shown. */
  tick() {
    const source = this.#source();
    const state = `${source} ${settingsOf(source).offset_ms}`;
    if (state === this.#shown) return;
    this.#shown = state;
    this.#moved = source;
    show(this.#element, source !== "");
    const offset = settingsOf(source).offset_ms;
    if (source) this.#element.querySelector("span").textContent = this.#several() ? tillWords(source) : _("Ticket and picture");
    this.#element.querySelector("output").textContent = `${offset > 0 ? "+" : offset < 0 ? "−" : ""}${_("{seconds} s", { seconds: figure(Math.abs(offset) / 1000) })}`;
  }

  #move(step) {
    const source = this.#moved;
    if (!source) return;
    const offset = Math.max(-MOST_MS, Math.min(MOST_MS, settingsOf(source).offset_ms + step));
    facts.tills[source] = { ...settingsOf(source), offset_ms: offset };
    this.#changed();
    this.tick();
    clearTimeout(this.#saving.get(source)?.timer);
    this.#saving.set(source, { offset, timer: setTimeout(() => this.#save(source), SAVE_MS), sent: false });
  }

  /** The page is left: nothing waits any longer. */
  #saveAll() {
    for (const [source, { sent }] of [...this.#saving]) if (!sent) this.#save(source);
  }

  async #save(source) {
    const saving = this.#saving.get(source);
    const { offset } = saving;
    clearTimeout(saving.timer);
    saving.sent = true;
    try {
      await askJson(`/sources/${encodeURIComponent(source)}`, { method: "PATCH", body: { offset_ms: offset }, keepalive: true });
      toast(_("Kept for all recordings of {till}.", { till: tillWords(source) }));
    } catch (error) {
      toast(error.message);
    }
    if (this.#saving.get(source) === saving) this.#saving.delete(source);
  }
}
