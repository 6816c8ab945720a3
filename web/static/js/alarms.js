// Alarms as cards in a strip above a live page, which makes room for it: the newest first; each stays until somebody has
// seen it.

import { ask } from "./api.js";
import { el, icon, setIcon, show } from "./dom.js";
import { onKeys } from "./keys.js";
import { byId, facts, remember, remembered } from "./page.js";
import { _, ngettext } from "./texts.js";
import { clock } from "./time.js";
import { toast } from "./toast.js";
import { causeWords } from "./words.js";

const MOST_CARDS = 4; // more are counted
const BEEP_HZ = 880;
const BEEP_SECONDS = 0.35;

/** Follows the alarms of `socket`; `onChange(camera, active)` is told when one begins and when it is over. */
export class AlarmCards {
  #cards = new Map(); // alarm id -> {alarm, element}, the oldest first
  #active = new Map(); // camera -> alarm id
  #stack = el("ol", { class: "alarms", "aria-label": _("Alarms") });
  #more = el("p", { class: "alarms-more" });
  #onChange;
  #loud = remembered("alarm-sound", "off") === "on";

  constructor(socket, onChange = () => {}) {
    this.#onChange = onChange;
    byId("main").before(el("section", { class: "alarmstack", "aria-live": "assertive", "aria-label": _("Alarms") }, this.#stack, this.#more));
    this.#draw();
    socket.onAlarm((message) => this[message.is](message));
    onKeys(["A"], _("Alarm seen"), () => this.#newest() && this.#seen(this.#newest()));
  }

  /** An alarm has begun, or goes on. */
  alarm({ alarm }) {
    this.#active.set(alarm.camera, alarm.id);
    this.#onChange(alarm.camera, true);
    document.dispatchEvent(new CustomEvent("alarm"));
    const known = this.#cards.get(alarm.id);
    if (known && alarm.triggers.at(-1)?.cause === "ftp") known.element.querySelector("img").src = `${alarm.picture}?${alarm.trigger_count}`;
    if (known || alarm.acknowledged_by) return;
    const camera = facts.cameras.find(({ id }) => id === alarm.camera);
    this.#cards.set(alarm.id, { alarm, element: this.#card(alarm, camera) });
    this.#draw();
    this.#stack.parentNode.scrollLeft = 0; // to the newest
    if (this.#loud) beep();
  }

  /** Somebody has seen it. */
  alarm_seen({ id }) {
    this.#remove(id);
  }

  /** Its time is over; whoever was away shall still see that it was. */
  alarm_over({ id, camera }) {
    if (this.#active.get(camera) === id) {
      this.#active.delete(camera);
      this.#onChange(camera, false);
    }
    const card = this.#cards.get(id);
    card?.element.classList.add("over");
  }

  #newest() {
    return [...this.#cards.values()].at(-1)?.alarm;
  }

  #card(alarm, camera) {
    const at = Date.parse(alarm.started_at);
    const sources = [`/api/v1/cameras/${alarm.camera}/snapshot.jpg?${alarm.id}`]; // where the alarm itself has no picture
    const still = el("img", { src: alarm.picture, alt: "", onload: () => show(still, true), onerror: () => { show(still, false); if (sources.length) still.src = sources.pop(); } });
    const message = alarm.triggers.at(-1)?.message;
    const where = facts.rights.includes("replay") ? `/replay/${alarm.camera}?at=${at / 1000}` : `/live/${alarm.camera}`;
    return el(
      "li",
      { class: "alarmcard" },
      el("a", { class: "still", href: `/live/${alarm.camera}`, "aria-label": _("Open {camera}", { camera: camera?.name ?? alarm.camera }) }, still, icon("bell")),
      el(
        "div",
        { class: "said" },
        el("span", null, el("time", { class: "mono", datetime: alarm.started_at }, clock(at)), " ", el("strong", null, camera?.name ?? _("Camera {id}", { id: alarm.camera }))),
        el("span", { class: "small", title: message || null }, [alarm.causes.map(causeWords).join(", "), message].filter(Boolean).join(" · ")),
      ),
      el(
        "div",
        { class: "do" },
        el("button", { class: "btn sm", type: "button", onclick: () => this.#seen(alarm) }, _("Seen")),
        el("a", { class: "btn sm line", href: where }, _("Show")),
        this.#soundButton(),
      ),
    );
  }

  #soundButton() {
    const button = el("button", { class: "btn sm line loud", type: "button" }, icon("mute"));
    const tell = () => {
      const words = this.#loud ? _("Sound on") : _("Sound off");
      setIcon(button, this.#loud ? "sound" : "mute");
      for (const [name, value] of [["aria-pressed", this.#loud], ["aria-label", words], ["title", words]]) button.setAttribute(name, value);
    };
    tell();
    button.addEventListener("click", () => {
      this.#loud = !this.#loud;
      remember("alarm-sound", this.#loud ? "on" : "off");
      for (const { element } of this.#cards.values()) element.querySelector(".loud").dispatchEvent(new CustomEvent("told"));
      if (this.#loud) beep();
    });
    button.addEventListener("told", tell);
    return button;
  }

  async #seen(alarm) {
    this.#remove(alarm.id);
    if (!facts.rights.includes("alarms")) return; // only this page forgets it
    try {
      await ask(`/alarms/${alarm.id}/acknowledge`, { method: "POST", body: {} });
    } catch (error) {
      toast(error.message);
    }
  }

  #remove(id) {
    this.#cards.delete(id);
    this.#draw();
  }

  #draw() {
    const shown = [...this.#cards.values()].reverse();
    this.#stack.replaceChildren(...shown.slice(0, MOST_CARDS).map(({ element }) => element));
    const hidden = shown.length - MOST_CARDS;
    this.#more.textContent = hidden > 0 ? ngettext("and {count} more alarm", "and {count} more alarms", hidden) : "";
    show(this.#more, hidden > 0);
  }
}

/** A short tone; the browser allows it once somebody has touched the page. */
function beep() {
  const sound = new AudioContext();
  const [tone, loudness] = [sound.createOscillator(), sound.createGain()];
  tone.frequency.value = BEEP_HZ;
  loudness.gain.setValueAtTime(0.2, sound.currentTime);
  loudness.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + BEEP_SECONDS);
  tone.connect(loudness).connect(sound.destination);
  tone.start();
  tone.stop(sound.currentTime + BEEP_SECONDS);
  tone.addEventListener("ended", () => sound.close());
}
