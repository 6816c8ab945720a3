// Zones of a picture as polygons: drawn, moved and named with the mouse or with the keyboard.

import { el, icon, svg } from "./dom.js";
import { _ } from "./texts.js";

const STEP = 0.01;
const LARGE_STEP = 0.05;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const within = (value) => Math.min(1, Math.max(0, Math.round(value * 10000) / 10000));
const moved = ([x, y], [dx, dy], step) => [within(x + dx * step), within(y + dy * step)];

/** The zones on a pad over the picture, and their list beside it. `zones` is as the API gives them. */
export class Zones {
  #pad;
  #list;
  #tell;
  #most;
  #fewest;
  #corners;
  #zones = [];
  #chosen = -1;
  #drawing = null; // the corners of a zone that is being drawn
  #cross = [0.5, 0.5];
  #svg = svg("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });

  /** Called with no argument whenever the zones are others than before. */
  onChange = () => {};

  /** `tell(words)` says what can be done now; `limits` is {zones, corners: [fewest, most]}. */
  constructor(pad, list, tell, limits) {
    this.#pad = pad;
    this.#list = list;
    this.#tell = tell;
    this.#most = limits.zones;
    [this.#fewest, this.#corners] = limits.corners;
    pad.addEventListener("click", this.#clicked);
    pad.addEventListener("pointermove", (event) => { if (this.#drawing) { this.#cross = this.#place(event); this.#drawPad(); } });
    pad.addEventListener("dblclick", () => { if (this.#drawing) this.#close(); });
    pad.addEventListener("keydown", this.#pressed);
  }

  get zones() {
    return this.#zones;
  }

  set zones(zones) {
    this.#zones = structuredClone(zones);
    this.#chosen = this.#zones.length ? 0 : -1;
    this.#drawing = null;
    this.draw();
  }

  /** Whether another one may be made. */
  get full() {
    return this.#zones.length >= this.#most;
  }

  /** Begin to draw a zone, corner by corner. */
  begin() {
    if (this.full) return;
    this.#drawing = [];
    this.#pad.tabIndex = 0;
    this.draw();
    this.#pad.focus();
    this.#tell(_("Click the corners, double click to end. With keys: arrows move the cross, Space sets a corner, Enter ends, Escape leaves."));
  }

  /** A rectangle in the middle, to be moved where it belongs. */
  middle() {
    if (this.full) return;
    this.#add([[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]]);
    this.#pad.querySelector("button")?.focus();
  }

  #add(polygon) {
    this.#zones.push({ name: _("Zone {number}", { number: this.#zones.length + 1 }), polygon, exclude: false });
    this.#chosen = this.#zones.length - 1;
    this.#changed();
  }

  #changed() {
    this.draw();
    this.onChange();
  }

  // ── the pad ──

  #place(event) {
    const box = this.#pad.getBoundingClientRect();
    return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
  }

  #clicked = (event) => {
    if (event.target.closest("button")) return;
    const place = this.#place(event);
    if (this.#drawing) {
      if (event.detail < 2) this.#corner(place); // the second click of two ends the zone
      return;
    }
    const found = this.#zones.findLastIndex((zone) => inside(place, zone.polygon));
    if (found >= 0) {
      this.#chosen = found;
      this.draw();
    }
  };

  #pressed = (event) => {
    if (!this.#drawing || event.target !== this.#pad) return;
    const step = event.shiftKey ? LARGE_STEP : STEP;
    if (ARROWS[event.key]) this.#cross = moved(this.#cross, ARROWS[event.key], step);
    else if (event.key === " ") this.#corner(this.#cross);
    else if (event.key === "Enter") this.#close();
    else if (event.key === "Escape") this.#leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.#drawPad();
  };

  #corner(place) {
    if (this.#drawing.length < this.#corners) this.#drawing.push(place);
    this.#drawPad();
  }

  #close() {
    const polygon = this.#drawing;
    if (polygon.length < this.#fewest) {
      this.#tell(_("A zone has three corners at least."));
      return;
    }
    this.#leave();
    this.#add(polygon);
    const name = this.#list.querySelectorAll("input[type=text]")[this.#chosen];
    name.focus();
    name.select();
  }

  #leave() {
    this.#drawing = null;
    this.#pad.removeAttribute("tabindex");
    this.draw();
  }

  // ── a zone's corners ──

  #handle(zone, number) {
    const [x, y] = zone.polygon[number];
    const handle = el("button", {
      type: "button", class: "corner", style: null,
      "aria-label": _("Corner {number} of {name}: {x} % from the left, {y} % from the top", { number: number + 1, name: zone.name, x: Math.round(x * 100), y: Math.round(y * 100) }),
      onkeydown: (event) => this.#cornerKey(event, zone, number),
      onpointerdown: (event) => this.#drag(event, zone, number),
    });
    handle.style.left = `${x * 100}%`;
    handle.style.top = `${y * 100}%`;
    return handle;
  }

  #cornerKey(event, zone, number) {
    let focused = number;
    if (ARROWS[event.key]) {
      zone.polygon[number] = moved(zone.polygon[number], ARROWS[event.key], event.shiftKey ? LARGE_STEP : STEP);
    } else if (event.key === "Delete" && zone.polygon.length > this.#fewest) {
      zone.polygon.splice(number, 1);
      focused = Math.min(number, zone.polygon.length - 1);
    } else if (event.key === "Insert" && zone.polygon.length < this.#corners) {
      const [[x, y], [a, b]] = [zone.polygon[number], zone.polygon[(number + 1) % zone.polygon.length]];
      zone.polygon.splice(number + 1, 0, [within((x + a) / 2), within((y + b) / 2)]);
      focused = number + 1;
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.#changed();
    this.#pad.querySelectorAll("button")[focused]?.focus();
  }

  #drag(event, zone, number) {
    event.preventDefault();
    const move = (at) => {
      zone.polygon[number] = this.#place(at);
      this.#drawPad();
    };
    const drop = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", drop);
      removeEventListener("pointercancel", drop);
      this.#changed();
      this.#pad.querySelectorAll("button")[number]?.focus();
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", drop);
    addEventListener("pointercancel", drop);
  }

  // ── drawing ──

  /** Draw pad and list anew. */
  draw() {
    this.#drawPad();
    this.#drawList();
    if (this.#drawing) return;
    this.#tell(this.#chosen < 0 ? "" : _("Drag a corner. With keys: arrows move it, with Shift further; Insert makes another one behind it, Delete removes it."));
  }

  #drawPad() {
    const shapes = this.#zones.map((zone, index) =>
      svg("polygon", { points: zone.polygon.map((corner) => corner.join(",")).join(" "), class: `zone${zone.exclude ? " exclude" : ""}${index === this.#chosen ? " chosen" : ""}` }));
    if (this.#drawing) {
      const [x, y] = this.#cross;
      shapes.push(svg("polyline", { points: [...this.#drawing, this.#cross].map((corner) => corner.join(",")).join(" "), class: "zone chosen" }));
      shapes.push(svg("path", { d: `M${x} 0V1M0 ${y}H1`, class: "cross" }));
    }
    this.#svg.replaceChildren(...shapes);
    const zone = this.#drawing ? null : this.#zones[this.#chosen];
    this.#pad.classList.toggle("drawing", this.#drawing !== null);
    this.#pad.replaceChildren(this.#svg, ...(zone ? zone.polygon.map((_corner, number) => this.#handle(zone, number)) : []));
  }

  #drawList() {
    this.#list.replaceChildren(...this.#zones.map((zone, index) => {
      const choose = () => { if (this.#chosen !== index) { this.#chosen = index; this.#drawPad(); this.#mark(); } };
      return el("li", { "aria-current": index === this.#chosen ? "true" : null, onfocusin: choose },
        el("input", { type: "text", class: "in", maxlength: 64, value: zone.name, "aria-label": _("Name of the zone"), oninput: (event) => { zone.name = event.target.value; this.onChange(); } }),
        el("select", { class: "in", "aria-label": _("What the zone is for"), onchange: (event) => { zone.exclude = event.target.value === "exclude"; this.#drawPad(); this.onChange(); } },
          el("option", { value: "look", selected: !zone.exclude }, _("look at it")),
          el("option", { value: "exclude", selected: zone.exclude }, _("overlook it"))),
        el("button", { type: "button", class: "btn quietb", "aria-label": _("Remove {name}", { name: zone.name }), onclick: () => this.#remove(index) }, icon("trash")));
    }));
  }

  #mark() {
    [...this.#list.children].forEach((item, index) => item.toggleAttribute("aria-current", index === this.#chosen));
  }

  #remove(index) {
    this.#zones.splice(index, 1);
    this.#chosen = Math.min(this.#chosen, this.#zones.length - 1);
    this.#changed();
  }
}

/** Whether a place lies inside a polygon: its ray to the right crosses the edges an odd number of times. */
function inside([x, y], polygon) {
  let odd = false;
  polygon.forEach(([ax, ay], index) => {
    const [bx, by] = polygon[(index + 1) % polygon.length];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  });
  return odd;
}
