// What a camera tells of itself: whether it does, and its digital inputs, in the form of the camera.

import { ContactTable } from "./contact_table.js";
import { show } from "./dom.js";
import { linkWords } from "./links.js";
import { _ } from "./texts.js";

/** Shows the inputs in `box` and the state of the connection in `state`; `changed` is called at every change. */
export class CameraInputs {
  #box;
  #state;
  #table;
  #saved = "[]";
  #told = null; // what the server said of it last

  constructor(box, state, changed) {
    this.#box = box;
    this.#state = state;
    this.#table = new ContactTable({ tokens: true, changed });
    box.append(this.#table.element);
    this.fill([]);
  }

  fill(contacts) {
    this.#table.set(contacts);
    this.#saved = JSON.stringify(this.read());
    this.tell(this.#told);
    show(this.#box, this.#table.count > 0);
  }

  /** Those that are set up; what the camera merely told of is left out. */
  read() {
    return this.#table.read().filter(({ enabled, name, normally, cameras }) => enabled || name || normally !== "open" || cameras.length);
  }

  get isChanged() {
    return JSON.stringify(this.read()) !== this.#saved;
  }

  /** What the server says of it now. */
  tell(events) {
    this.#told = events;
    show(this.#state, Boolean(events) && events.status !== "off");
    if (!events) return;
    this.#state.replaceChildren(...linkWords(events, (does) => _("The camera {does}.", { does })));
    this.#table.tell(events.inputs);
    show(this.#box, this.#table.count > 0);
  }

  /** The control of a field such as "events.inputs.2.name". */
  field(name) {
    const [group, list, place, key] = name.split(".");
    return group === "events" && list === "inputs" ? this.#table.field(Number(place), key) : null;
  }
}
