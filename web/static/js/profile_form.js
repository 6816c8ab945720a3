// One profile: what its users may, in groups, and which cameras they see.

import { ask, askJson } from "./api.js";
import { el, icon, show } from "./dom.js";
import { facts, may } from "./page.js";
import { Row, field, sure } from "./people_row.js";
import { GROUPS, profileWords, rightWords } from "./rights.js";
import { _, ngettext } from "./texts.js";
import { toast } from "./toast.js";

/** "all cameras", or which. */
function seenWords({ cameras }) {
  if (cameras === null) return _("all cameras, later ones too");
  if (!cameras.length) return _("no camera");
  const names = cameras.map((id) => facts.cameras.find((camera) => camera.id === id)?.name ?? String(id));
  return names.length <= 3 ? names.join(", ") : ngettext("{count} camera", "{count} cameras", names.length);
}

export class ProfileRow extends Row {
  profile;
  #around;
  #boxes = {};
  #cameras = [];
  #origin = null;

  /** `profile` null: a new one, a copy of `copied`, or of the first that can be copied. */
  constructor(profile, around, copied = null) {
    super();
    this.#around = around;
    const origins = around.profiles().filter((one) => one.editable || one.fixed);
    this.#origin = profile ? null : copied ?? origins.find((one) => one.name === "viewer") ?? origins[0];
    this.profile = profile ?? { ...this.#origin, id: "", name: "", users: 0, fixed: false, editable: true };
    this.#summarise();
    this.#build(origins);
  }

  /** What the server says of the profile now; what somebody is writing stays. */
  now(profile) {
    this.profile = profile;
    this.#summarise();
  }

  #summarise() {
    const { profile } = this;
    const groups = GROUPS.map(([title, rights]) => [title, rights.filter((right) => profile.rights.includes(right))]).filter(([, rights]) => rights.length);
    const words = groups.map(([title, rights]) => el("span", { class: "rightsof" }, el("b", null, title()), " ", rights.map(rightWords).join(" · ")));
    this.summary.replaceChildren(
      el("span", { class: "who" }, el("b", null, profile.name ? profileWords(profile.name) : _("A new profile"))),
      el("span", null, profile.id ? ngettext("{count} user", "{count} users", profile.users) : ""),
      el("span", { class: "quiet" }, seenWords(profile)),
      el("span", { class: "rights small" }, words.length ? words : _("may nothing")));
  }

  #build(origins) {
    const { profile, inputs } = this;
    const can = profile.editable;
    const isNew = profile.id === "";
    inputs.name = el("input", { class: "in", value: profileWords(profile.name), maxlength: 64, autocomplete: "off", disabled: !can });
    if (isNew) this.first = inputs.name;
    const list = this.#cameraList(can);
    const copied = el("select", { class: "in" }, origins.map(({ id, name }) => el("option", { value: id, selected: id === this.#origin?.id }, profileWords(name))));
    copied.addEventListener("change", () => this.#copy(origins.find(({ id }) => id === copied.value)));
    this.form.append(
      can ? "" : el("p", { class: "note" }, icon("lock"), el("span", null, profile.fixed ? _("Administrators have every right and see every camera. This profile stays as it is.") : _("This profile allows more than you may. Only who may as much changes it."))),
      el("div", { class: "fields" },
        profile.fixed ? null : field("name", _("Name"), inputs.name),
        isNew ? field("copy_of", _("As a copy of"), copied, _("What it gets by mail is copied too.")) : null),
      el("div", { class: "rightgroups" }, GROUPS.map(([title, rights]) => el("fieldset", null, el("legend", null, title()), rights.map((right) => this.#box(right, can)))), list),
      this.told);
    const deeds = [
      isNew ? this.cancel() : null,
      !isNew && (can || profile.fixed) ? el("button", { class: "btn sm", type: "button", onclick: () => this.#around.addProfile(profile) }, icon("plus"), _("Make a copy")) : null,
      !isNew && may("settings") ? el("a", { class: "btn sm", href: "/mail#people" }, icon("mail"), _("What it gets by mail")) : null,
      !isNew && can ? this.button(_("Remove"), "trash", () => this.#remove(), "btn sm quietb", () => this.#sure()) : null,
    ];
    if (can) this.form.append(this.foot(isNew ? _("Add the profile") : _("Save"), () => this.#save(), ...deeds));
    else this.form.append(el("div", { class: "row wrap foot" }, deeds));
  }

  #box(right, can) {
    const lacking = can && !may(right);
    const box = el("input", { type: "checkbox", checked: this.profile.rights.includes(right), disabled: !can || lacking });
    this.#boxes[right] = box;
    return el("label", { class: "check", title: lacking ? _("You do not have this right yourself.") : null }, box, el("span", null, rightWords(right)));
  }

  #cameraList(can) {
    const { cameras } = this.profile;
    const which = el("select", { class: "in", disabled: !can, "aria-label": _("Cameras it sees") },
      el("option", { value: "all", selected: cameras === null, disabled: !facts.sees_all }, _("all cameras, later ones too")),
      el("option", { value: "some", selected: cameras !== null }, _("only these")));
    this.inputs.cameras = which;
    this.#cameras = facts.cameras.map(({ id }) => el("input", { type: "checkbox", value: id, checked: cameras?.includes(id) ?? false, disabled: !can }));
    const boxes = el("div", { class: "camboxes" }, facts.cameras.map(({ id, name }, place) => el("label", { class: "check" }, this.#cameras[place], el("span", null, `${id}, ${name}`))));
    show(boxes, cameras !== null);
    which.addEventListener("change", () => show(boxes, which.value === "some"));
    return el("fieldset", null, el("legend", null, _("Cameras it sees")), el("div", { class: "field", "data-field": "cameras" }, which), boxes);
  }

  #copy(origin) {
    this.#origin = origin;
    for (const [right, box] of Object.entries(this.#boxes)) box.checked = origin.rights.includes(right);
    this.inputs.cameras.value = origin.cameras === null ? "all" : "some";
    this.inputs.cameras.dispatchEvent(new Event("change"));
    for (const box of this.#cameras) box.checked = origin.cameras?.includes(Number(box.value)) ?? false;
  }

  #written() {
    const rights = Object.entries(this.#boxes).filter(([, box]) => box.checked).map(([right]) => right);
    const some = this.#cameras.filter((box) => box.checked).map((box) => Number(box.value));
    const name = this.inputs.name.value.trim();
    return { name: name === profileWords(this.profile.name) ? this.profile.name : name, rights, cameras: this.inputs.cameras.value === "all" ? null : some };
  }

  async #save() {
    const { profile } = this;
    const saved = profile.id
      ? await askJson(`/profiles/${profile.id}`, { method: "PATCH", body: this.#written() })
      : await askJson("/profiles", { method: "POST", body: { ...this.#written(), copy_of: this.#origin.id } });
    await this.#around.profileSaved(this, saved);
    toast(_("It is saved and acts at once."));
  }

  #sure() {
    const named = { name: profileWords(this.profile.name) };
    return sure(_("Remove the profile {name}?", named), _("Nobody can be given it any more. A profile that somebody has is not removed."), _("Keep"), _("Remove {name}", named));
  }

  async #remove() {
    const { profile } = this;
    const named = { name: profileWords(profile.name) };
    await ask(`/profiles/${profile.id}`, { method: "DELETE" });
    await this.#around.profileGone(this, profile);
    toast(_("The profile {name} is removed.", named));
  }
}
