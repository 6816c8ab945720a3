// What the server refused, in the words of the pages. The API names settings as programs do; people read the labels.

import { facts } from "./page.js";
import { _ } from "./texts.js";

const FIELDS = {
  amount_min: () => _("Amount from"),
  amount_max: () => _("Amount to"),
  start: () => _("From day"),
  stop: () => _("to day"),
  source: () => _("Till"),
  ticket: () => _("Ticket"),
  seller: () => _("Cashier"),
  id: () => _("Number"),
  name: () => _("Name on the wall"),
  address: () => _("Network address"),
  url: () => _("Address of the picture"),
  sub_url: () => _("Address of its second, smaller picture"),
  login: () => _("User name on the camera"),
  password: () => _("Password on the camera"),
  "regular.calendar": () => _("Record"),
  "regular.days": () => _("Keep for days"),
  "alarm.calendar": () => _("Record alarms"),
  "alarm.popup_calendar": () => _("Show alarms on the live pages"),
  "alarm.mail_calendar": () => _("Mail alarms"),
  "alarm.pre_seconds": () => _("Seconds before"),
  "alarm.post_seconds": () => _("Seconds after the last trigger"),
  "alarm.days": () => _("Keep alarms for days"),
  overlay_ids: () => _("Names the tills send"),
  model: () => _("Model"),
  http_port: () => _("Port of its own pages"),
  channel: () => _("Channel of an encoder"),
  transport: () => _("Carry the picture over"),
  codec: () => _("Kind of picture declared"),
  volume: () => _("Volume"),
  "events.inputs.name": () => _("Name"),
  "events.inputs.cameras": () => _("Alarms on"),
  stop_streams_automatically: () => _("Connect only when needed"),
  camera: () => _("Camera"),
  cause: () => _("Cause"),
  kind: () => _("About"),
  state: () => _("State"),
  "mail.lost_calendar": () => _("Tell when it is lost"),
  "mail.grace_seconds": () => _("After seconds without a picture"),
  "mail.most_per_hour": () => _("Mails about its alarms in an hour"),
  host: () => _("Name of the mail server"),
  port: () => _("Port"),
  security: () => _("Encryption"),
  sender: () => _("Address of the sender"),
  life: () => _("Sign of life"),
  life_hour: () => _("At what hour"),
  to: () => _("To"),
  email: () => _("Mail address"),
  days: () => _("Days"),
  before: () => _("Days"),
  label: () => _("Name"),
  dialect: () => _("Dialect"),
  clear_seconds: () => _("Clear after s"),
  offset_ms: () => _("Ticket and picture"),
  kind: () => _("Kind of lines"),
  encoding: () => _("Letters"),
  separator: () => _("Separator"),
  fields: () => _("Fields, in this order"),
  layouts: () => _("Fields of lines of one type"),
  keys: () => _("Where the parts of a line stand"),
  types: () => _("Words for types"),
  decimal_sign: () => _("Decimal sign"),
  implied_decimals: () => _("Decimals where none is sent"),
  rules: () => _("What a line means that looks like"),
  end: () => _("A ticket ends with"),
  cancel: () => _("A ticket is cancelled by"),
  ignore: () => _("Leave out"),
  line_end: () => _("Characters that end a line"),
  control_codes: () => _("Control codes of printers"),
  outside: () => _("Lines outside of tickets"),
  sample: () => _("Sample"),
};

/** Other labels of fields on this page, by name; a place in a list is left out: "contacts.name". */
export const labelFields = (labels) => Object.assign(FIELDS, labels);

const RIGHTS = {
  live: () => _("Live"),
  replay: () => _("Replay"),
  export: () => _("Download the clip"),
  lines: () => _("Tickets"),
  journal: () => _("Journal"),
  alarms: () => _("Alarms"),
  cards: () => _("Card numbers"),
  exceptions: () => _("Exceptions"),
  cameras: () => _("Cameras"),
  settings: () => _("Mails"),
  users: () => _("Users and profiles"),
};

// what has technical words of its own, or none
const CODES = {
  unavailable: () => _("CamTrace cannot reach its data. Cameras are still recorded and tickets are kept."),
  internal: () => _("Something in CamTrace failed, not you. Recording is not touched."),
  failed: () => _("Something in CamTrace failed, not you. Recording is not touched."),
};

const quoted = (words) => _("“{words}”", { words });

/** The sentence for an answer with this `status` that tells {code, text, values, field}. */
export function refusalWords(status, { code, text, values, field }) {
  if (CODES[code]) return CODES[code]();
  const known = text && (facts.language === "en" || facts.texts?.[text] !== undefined);
  if (!known) return _("The server answered {status}.", { status });
  const label = FIELDS[(field ?? "").replace(/\.\d+(?=\.)/g, "")] ?? FIELDS[field?.split(".")[0]]; // "rules.2" is the third of "rules"
  const named = label ? quoted(label()) : _("A value");
  const right = values?.right && RIGHTS[values.right] ? quoted(RIGHTS[values.right]()) : quoted("…");
  const words = _(text, { ...values, field: named, right });
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?…]$/.test(words) ? "" : "."}`;
}
