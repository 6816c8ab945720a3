// What people find an exception to be: the badges, the buttons and the note by which it is judged, and how that is sent.

import { askJson } from "./api.js";
import { el, icon, show } from "./dom.js";
import { _ } from "./texts.js";
import { toast } from "./toast.js";

const BADGES = { new: ["new", "◆", () => _("New")], checking: ["look", "◇", () => _("Being checked")], harmless: ["ok", "✓", () => _("Harmless")], real: ["conf", "◇", () => _("Confirmed")] };

/** By which keys which verdict is given, in which words. */
export const VERDICT_KEYS = [["H", () => _("Harmless"), "harmless"], ["C", () => _("Confirm"), "real"], ["X", () => _("Check it"), "checking"], ["U", () => _("To review"), "new"]];

/** Have `badge` tell this verdict. */
export function tellVerdict(badge, verdict) {
  const [kind, mark, words] = BADGES[verdict];
  badge.className = `badge ${kind}`;
  badge.replaceChildren(`${mark} `, words());
}

/** "anna: “the customer changed the size”"; "" where nobody has looked at it. */
export const reviewWords = ({ reviewed_by: by, comment }) => (by ? `${by}${comment ? `: “${comment}”` : ""}` : "");

/**
 * Buttons and a note for one exception; `tell(one)` of it draws how it stands. `judge(body)` hears of what is pressed or
 * noted, `leave()` where the note is left by Enter or Escape. `way`: where it is watched, if not here; `keys`: shown with them.
 */
export function verdictActions(one, { judge, leave, way = null, keys = false }) {
  const buttons = VERDICT_KEYS.map(([key, words, name]) => el("button", { class: "btn sm", type: "button", onclick: () => judge({ verdict: name }) }, words(), keys ? [" ", el("kbd", { class: "desk-only" }, key)] : null));
  const again = buttons.at(-1);
  const note = el("input", { class: "in sm", "aria-label": _("Note"), placeholder: _("Note"), maxlength: 500, value: one.comment });
  note.addEventListener("change", () => judge({ comment: note.value }));
  note.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Escape") leave(); // the keys judge again
  });
  const acts = el("div", { class: "acts" }, way ? el("a", { class: "btn sm", href: way }, icon("play"), _("Watch")) : null, buttons, note);
  acts.tell = ({ verdict, comment }) => {
    show(again, verdict !== "new");
    if (note !== document.activeElement) note.value = comment;
  };
  acts.tell(one);
  return acts;
}

/** Send what was judged or noted of `one`; gives it as it stands then, null where it could not be sent, which is told. */
export async function sendVerdict(one, body) {
  let found = one;
  try {
    found = await askJson(`/exceptions/${one.id}`, { method: "PATCH", body: "verdict" in body ? { ...body, before: one.verdict } : body });
  } catch (error) {
    toast(error.message);
    if (error.status !== 409) return null;
  }
  if (found.verdict === one.verdict && body.verdict) found = await askJson(`/exceptions/${one.id}`); // somebody was quicker
  return found;
}
