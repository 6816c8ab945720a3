// The Test button: asks the server to try the settings of the form and tells each step.

import { askJson } from "./api.js";
import { el, icon } from "./dom.js";
import { facts } from "./page.js";
import { _ } from "./texts.js";
import { clock, now } from "./time.js";
import { codecWords } from "./words.js";

const MARKS = { ok: ["ok-c", "ok"], warn: ["warn-c", "warn"], bad: ["bad-c", "x"] };

/** `button` starts the test of what `settings()` gives; `list` shows the steps, `when` the time. */
export class CameraTest {
  constructor(button, list, when, camera, settings) {
    button.addEventListener("click", async () => {
      button.classList.add("busy");
      button.disabled = true;
      list.replaceChildren(item("faint", "clock", _("Trying. This takes up to 15 seconds."), ""));
      try {
        const path = camera ? `/cameras/${camera.id}/test` : "/cameras/test";
        list.replaceChildren(...told(await askJson(path, { method: "POST", body: settings() })));
        when.textContent = _("Tested at {time}", { time: clock(now()) });
      } catch (error) {
        list.replaceChildren(item("bad-c", "x", _("The test could not be done."), error.message));
      } finally {
        button.classList.remove("busy");
        button.disabled = false;
      }
    });
  }
}

function told({ steps }) {
  return steps.map(({ result, text, values }) => item(...(MARKS[result] ?? MARKS.warn), sentence(text, named(values)), ""));
}

/** The words of a step; what a camera does wrong is told without its subject: "answers, but wants another password". */
function sentence(text, values) {
  const words = _(text, values);
  return Object.values(facts.reasons).includes(text) ? _("The camera {does}.", { does: words }) : words;
}

/** Codecs as people write them. */
const named = (values) => ({ ...values, ...(values.codec ? { codec: codecWords(values.codec) } : {}) });

function item(kind, image, words, detail) {
  return el("li", null, el("span", { class: kind }, icon(image)), el("span", null, el("b", null, words), " ", el("span", { class: "quiet" }, detail)));
}
