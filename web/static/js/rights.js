// Rights and profiles in words: what each right allows, and what belongs together.

import { _ } from "./texts.js";

/** Groups of rights: what they are about, and their codes. */
export const GROUPS = [
  [() => _("Pictures"), ["live", "replay", "export"]],
  [() => _("Tickets"), ["lines", "cards", "exceptions"]],
  [() => _("What happened"), ["alarms", "journal"]],
  [() => _("Administration"), ["cameras", "settings", "users"]],
];

const RIGHTS = {
  live: () => _("Watch cameras live"),
  replay: () => _("Watch recordings"),
  export: () => _("Download recordings"),
  lines: () => _("Look for tickets and their lines"),
  cards: () => _("See the last four digits of cards"),
  exceptions: () => _("See and judge exceptions, read reports"),
  alarms: () => _("See alarms, raise them and say that they were seen"),
  journal: () => _("Read the journals"),
  cameras: () => _("Add, change and remove cameras"),
  settings: () => _("Change settings of the server, of tills and of rules"),
  users: () => _("Manage users and profiles, and who gets mails"),
};

/** What a right allows. */
export const rightWords = (right) => RIGHTS[right]?.() ?? right;

const PROFILES = { administrator: () => _("administrator"), operator: () => _("operator"), viewer: () => _("viewer") };

/** The name of a profile: those that every server has are translated, the shop's own are as they were written. */
export const profileWords = (name) => PROFILES[name]?.() ?? name;
