// Users and profiles: a row for each, which opens into its form.

import { Refusal, askJson } from "./api.js";
import { el, icon } from "./dom.js";
import { byId } from "./page.js";
import { ProfileRow } from "./profile_form.js";
import { labelFields } from "./refusals.js";
import { _, ngettext } from "./texts.js";
import { toast } from "./toast.js";
import { UserRow } from "./user_form.js";

labelFields({
  name: () => _("Name"),
  profile: () => _("Profile"),
  email: () => _("Mail address"),
  language: () => _("Language"),
  password: () => _("Password"),
  locked: () => _("locked"),
  rights: () => _("What it may"),
  cameras: () => _("Cameras it sees"),
  copy_of: () => _("As a copy of"),
});

let users = [];
let profiles = [];
const rows = { users: new Map(), profiles: new Map() };

const around = {
  profiles: () => profiles,
  /** A user was added or changed: the row shows it, and who has which profile is counted anew. */
  async userSaved(row, user) {
    put("users", row, user, new UserRow(user, around));
    tellSummary();
    await loadProfiles();
  },
  async userGone(row, user) {
    drop("users", row, user);
    tellSummary();
    await loadProfiles();
  },
  /** A profile was added or changed, and maybe its name, which its users show. */
  async profileSaved(row, profile) {
    put("profiles", row, profile, new ProfileRow(profile, around));
    await loadAll();
  },
  async profileGone(row, profile) {
    drop("profiles", row, profile);
    await loadAll();
  },
  addProfile: (copied) => open(byId("profiles"), new ProfileRow(null, around, copied)),
};

function open(list, row) {
  list.prepend(row.element);
  row.open();
}

/** `row` gives way to `next`, open as it was, and the focus goes there. */
function put(kind, row, { id }, next) {
  rows[kind].set(id, next);
  row.element.replaceWith(next.element);
  next.open(row.notes());
}

function drop(kind, row, { id }) {
  rows[kind].delete(id);
  row.element.remove();
}

/** Show `items`: rows that are open may be half written, and stay as they are. */
function draw(kind, items, Row) {
  const list = byId(kind);
  const known = rows[kind];
  list.querySelector(".waiting, .note.bad")?.remove();
  for (const [id, row] of known) {
    if (items.some((item) => item.id === id)) continue;
    row.element.remove(); // somebody else removed it
    known.delete(id);
  }
  for (const item of items) {
    const row = known.get(item.id);
    if (row?.isOpen) {
      row.now(item);
      list.append(row.element);
      continue;
    }
    const next = new Row(item, around);
    row?.element.remove();
    known.set(item.id, next);
    list.append(next.element);
  }
}

async function loadUsers() {
  users = (await askJson("/users")).items;
  draw("users", users, UserRow);
  tellSummary();
}

async function loadProfiles() {
  profiles = (await askJson("/profiles")).items;
  draw("profiles", profiles, ProfileRow);
}

/** One after the other: the rows of users offer the profiles that there are. */
async function loadAll() {
  await loadProfiles();
  await loadUsers();
}

function tellSummary() {
  const count = rows.users.size;
  const locked = [...rows.users.values()].filter((row) => row.user.locked).length;
  byId("summary").textContent = [ngettext("{count} user", "{count} users", count), locked ? ngettext("{count} locked", "{count} locked", locked) : ""].filter(Boolean).join(", ");
}

async function load() {
  try {
    await loadAll();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    for (const list of [byId("users"), byId("profiles")]) list.replaceChildren(el("div", { class: "note bad" }, icon("warn"), el("span", null, el("b", null, _("Users and profiles could not be read.")), " ", error.message)));
  }
}

byId("add-user").addEventListener("click", () => {
  if (profiles.some((profile) => profile.editable || profile.fixed)) open(byId("users"), new UserRow(null, around));
  else toast(_("Users and profiles could not be read."));
});
byId("add-profile").addEventListener("click", () => around.addProfile(null));
load();
