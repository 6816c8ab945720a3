// One user: who it is, with which profile, and what is done about sign-in.

import { ask, askJson } from "./api.js";
import { el, icon } from "./dom.js";
import { facts } from "./page.js";
import { Row, field, sure } from "./people_row.js";
import { profileWords } from "./rights.js";
import { _, ngettext } from "./texts.js";
import { now } from "./time.js";
import { toast } from "./toast.js";
import { sinceWords } from "./words.js";

const NEW = { name: "", profile: "", email: "", language: "", locked: false, tokens: 0, own: false, editable: true };

const instant = (iso) => sinceWords(Date.parse(iso));

export class UserRow extends Row {
  user;
  #around;

  constructor(user, around) {
    super();
    this.user = user ?? NEW;
    this.#around = around;
    this.#summarise();
    this.#build(user === null);
  }

  /** What the server says of the user now; what somebody is writing stays. */
  now(user) {
    this.user = user;
    this.#summarise();
    this.#offer(this.inputs.profile.value);
  }

  #summarise() {
    const { user } = this;
    this.summary.replaceChildren(
      el("span", { class: "who" }, el("b", null, user.name || _("A new user")), user.own ? el("span", { class: "quiet" }, " ", _("you")) : null),
      el("span", null, user.profile ? profileWords(user.profile) : ""),
      el("span", { class: "quiet address" }, user.email),
      el("span", { class: "state" }, ...this.#state()));
  }

  #state() {
    const { user } = this;
    if (user.locked) return [el("span", { class: "warn-c state" }, icon("lock"), _("locked"))];
    if (user.has_password === false && user.link_until && Date.parse(user.link_until) > now()) return [el("span", { class: "warn-c state" }, icon("link"), _("has a link, good until {instant}", { instant: instant(user.link_until) }))];
    if (user.has_password === false) return [el("span", { class: "warn-c state" }, icon("warn"), _("has no password yet"))];
    if (user.seen_at) return [el("span", { class: "quiet" }, _("last seen {instant}", { instant: instant(user.seen_at) }))];
    return user.id ? [el("span", { class: "quiet" }, _("not seen yet"))] : [];
  }

  #build(isNew) {
    const { user, inputs } = this;
    const may = user.editable;
    inputs.name = el("input", { class: "in", value: user.name, maxlength: 64, autocomplete: "off", spellcheck: false, disabled: !may });
    if (isNew) this.first = inputs.name;
    inputs.profile = el("select", { class: "in", disabled: !may || user.own });
    this.#offer(user.profile);
    inputs.email = el("input", { class: "in", type: "email", value: user.email, maxlength: 254, autocomplete: "off", disabled: !may });
    inputs.language = el("select", { class: "in", disabled: !may }, [["", _("that of the browser")], ...Object.entries(facts.languages)].map(([code, words]) => el("option", { value: code, selected: code === user.language, lang: code || null }, words)));
    if (isNew || !user.own) inputs.password = el("input", { class: "in", type: "password", autocomplete: "new-password", maxlength: 1000, disabled: !may });
    const hint = isNew ? _("Leave it empty: you get a link by which the person sets it.") : _("Type only to change it. Every session of this user ends.");
    this.form.append(
      may ? "" : el("p", { class: "note" }, icon("lock"), el("span", null, _("This user may more than you. Only who may as much changes that."))),
      el("div", { class: "fields" },
        field("name", _("Name"), inputs.name, isNew ? "" : _("For signing in. With another one, video players need a new player password; journals keep the one before.")),
        field("profile", _("Profile"), inputs.profile, user.own ? _("Somebody else must give you another one.") : ""),
        field("email", _("Mail address"), inputs.email),
        field("language", _("Language"), inputs.language, _("Of mails, and of pages until the person chooses another.")),
        inputs.password ? field("password", _("Password"), inputs.password, hint) : null),
      this.told);
    if (isNew) this.form.append(this.foot(_("Add the user"), () => this.#add(), this.cancel()));
    else if (may) this.form.append(this.foot(_("Save"), () => this.#save(), ...this.#deeds()));
  }

  /** The profiles to choose from; `chosen` is "" while none is. */
  #offer(chosen) {
    const given = this.#around.profiles().filter((profile) => profile.editable || profile.fixed || profile.name === this.user.profile);
    const value = given.some(({ name }) => name === chosen) || !chosen ? chosen : this.user.profile; // it was renamed or removed
    this.inputs.profile.replaceChildren(
      ...(this.user.id ? [] : [el("option", { value: "" }, _("choose one"))]),
      ...given.map(({ name }) => el("option", { value: name, selected: name === value }, profileWords(name))));
  }

  #deeds() {
    const { user } = this;
    if (user.own) return [el("a", { class: "btn sm", href: "/account" }, icon("user"), _("My account"))];
    return [
      this.button(_("Make a link for a password"), "link", () => this.#makeLink()),
      user.locked ? this.button(_("Unlock"), "lock", () => this.#patch({ locked: false })) : this.button(_("Lock"), "lock", () => this.#patch({ locked: true })),
      user.tokens ? this.button(ngettext("Take {count} token back", "Take {count} tokens back", user.tokens), "x", () => this.#endTokens()) : null,
      this.button(_("Remove"), "trash", () => this.#remove(), "btn sm quietb", () => this.#sure()),
    ];
  }

  #written() {
    const { name, profile, email, language, password } = this.inputs;
    const body = { name: name.value.trim(), email: email.value.trim(), language: language.value };
    if (!profile.disabled) body.profile = profile.value;
    if (password?.value) body.password = password.value;
    return body;
  }

  async #add() {
    const { link, ...user } = await askJson("/users", { method: "POST", body: this.#written() });
    if (link) this.#tellLink(user, link);
    await this.#around.userSaved(this, user);
    toast(_("{name} is added.", user));
  }

  #save() {
    return this.#patch(this.#written());
  }

  async #patch(body) {
    const user = await askJson(`/users/${this.user.id}`, { method: "PATCH", body });
    await this.#around.userSaved(this, user);
    toast(_("It is saved and acts at once."));
  }

  async #makeLink() {
    const { link, ...user } = await askJson(`/users/${this.user.id}/link`, { method: "POST" });
    this.#tellLink(user, link);
    await this.#around.userSaved(this, user);
  }

  #tellLink(user, link) {
    this.tell(el("b", null, _("Give this link to {name}:", user)), el("p", { class: "secret mono" }, `${location.origin}${link}`),
      el("p", { class: "small quiet" }, _("It works once, until {instant}, and is shown only now. By it a password is set.", { instant: instant(user.link_until) })));
  }

  async #endTokens() {
    await ask(`/users/${this.user.id}/tokens`, { method: "DELETE" });
    await this.#around.userSaved(this, { ...this.user, tokens: 0 });
    toast(_("Programs that used these tokens are refused now."));
  }

  #sure() {
    const meaning = _("Sessions, tokens and kept searches are gone at once. What the journals tell stays under this name.");
    return sure(_("Remove {name}?", this.user), meaning, _("Keep"), _("Remove {name}", this.user));
  }

  async #remove() {
    const { user } = this;
    await ask(`/users/${user.id}`, { method: "DELETE" });
    await this.#around.userGone(this, user);
    toast(_("{name} is removed.", user));
  }
}
