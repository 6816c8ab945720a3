// The Test button: asks the server to try the settings of the form and tells each step.

import { askJson } from "./api.js";
import { el, icon } from "./dom.js";
import { _, figure } from "./texts.js";
import { clock, now } from "./time.js";
import { codecWords, reasonWords } from "./words.js";

const MARKS = { true: ["ok-c", "ok"], false: ["bad-c", "x"] };

const STEPS = {
  name: () => [_("Its name is known in the network."), _("Its name is not known in the network.")],
  connect: () => [_("The camera answers."), _("The camera does not answer.")],
  login: () => [_("It takes the password."), _("It refuses the password.")],
  stream: () => [_("It has a picture at this address."), _("It has no picture at this address.")],
  picture: () => [_("It sends pictures."), _("No picture came.")],
  codec: () => [_("Its kind of picture can be recorded."), _("Its kind of picture cannot be recorded.")],
  sound: () => [_("It sends sound."), _("It sends no sound that can be recorded.")],
};

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

function told(answer) {
  const steps = (answer.steps ?? []).map((step) => {
    const [kind, image] = MARKS[Boolean(step.ok)];
    const words = STEPS[step.step]?.()[step.ok ? 0 : 1] ?? step.text ?? step.step;
    const detail = [step.milliseconds ? _("It took {count} ms.", { count: figure(step.milliseconds) }) : "", step.ok ? "" : reasonWords({ reason: step.reason, detail: "" }), step.detail].filter(Boolean).join(" ");
    return item(kind, image, words, detail);
  });
  if (answer.codec) steps.push(item("ok-c", "ok", streamSentence(answer), ""));
  if (!steps.length) steps.push(item(answer.ok ? "ok-c" : "bad-c", answer.ok ? "ok" : "x", answer.ok ? _("It sends pictures.") : reasonWords(answer) || _("No picture came."), answer.detail ?? ""));
  return steps;
}

function streamSentence({ codec, width, height, frame_rate: rate }) {
  const told_ = [codecWords(codec)];
  if (width) told_.push(`${width} × ${height}`);
  if (rate) told_.push(_("{count} pictures a second", { count: figure(rate, rate < 10 ? 1 : 0) }));
  return told_.join(", ");
}

function item(kind, image, words, detail) {
  return el("li", null, el("span", { class: kind }, icon(image)), el("span", null, el("b", null, words), " ", el("span", { class: "quiet" }, detail)));
}
