// What the lines of a till mean on a ticket. Pure: no element is touched here. Lines are those of `GET /lines`.

import { facts } from "./page.js";
import { _ } from "./texts.js";
import { clock } from "./time.js";

const ANNULLED = "ANNULE";
const RETURNED = "RETOUR";
const OFFERED = "OFFERT";
const LOST = "PERTE";
const VOID = "25"; // the Prisma event that takes back a whole receipt
const DEVICE = /^(?!KKM:)[A-Z]{3}:\d+$/; // a source of Prisma events that is no till
const AMOUNTS = [149, 209]; // where a Prisma packet has them: price, quantity, sum, total
const DISCOUNTS = ["19", "20", "21", "22", "52"]; // events that tell of nothing else
const DISCOUNT_CARDS = ["35", "36"]; // theirs is in percent

/** What is set for a till: {label, clear_ms, offset_ms}. */
export const settingsOf = (source) => (Object.hasOwn(facts.tills ?? {}, source) ? facts.tills[source] : { label: "", clear_ms: facts.screen_ms, offset_ms: 0 });

/** A till's name for people, as its ticket's head says it; a pump or a door goes by its own. */
export const tillWords = (source) => settingsOf(source).label || (DEVICE.test(source) ? source : _("TILL {source}", { source }));

/** The same within a sentence: what people call the till, or "Till 7". */
export const tillName = (source) => settingsOf(source).label || (DEVICE.test(source) ? source : _("Till {name}", { name: source }));

/** What people call a source, or how it calls itself. */
export const sourceName = (source) => settingsOf(source).label || source;

/** The sources that people call so, or the name itself: what a field of tills says, as the server takes it. */
export const sourcesCalled = (name) => {
  const called = Object.entries(facts.tills ?? {}).filter(([, { label }]) => label && label.toLowerCase() === name.toLowerCase());
  return called.length ? called.map(([source]) => source) : [name];
};

// a till that is silent for so long has left its ticket: the screen is cleared
const silenceOf = ({ source }) => settingsOf(source).clear_ms;

/** The instant a line was received, in milliseconds. */
export const instantOfLine = (line) => Date.parse(line.received_at);

/** What the line is to its ticket, whatever the protocol: A (article), S (special), T (payment), E (end), D (drawer) … */
const roleOf = (line) => line.role ?? line.type;

/** The instant at which the picture shows what the line tells of: where it lags, or runs ahead, that is set for the till. */
export const instantInPicture = (line) => instantOfLine(line) + settingsOf(line.source).offset_ms;

/** The instant of the line in its till's log; and the one its picture shows, where that is another second. */
export function whenWords(line) {
  const [told, shown] = [instantOfLine(line), instantInPicture(line)].map((at) => clock(at));
  return told === shown ? told : _("{time}, picture {shown}", { time: told, shown });
}

/** Whether the line ends its ticket. */
export const endsTicket = (line) => roleOf(line) === "E";

/** Whether the line is shown in red: a cancellation, also of the whole ticket, a gift, a loss, a return. */
export const isSpecial = (line) => roleOf(line) === "S" || (endsTicket(line) && Boolean(line.special));

/** Whether the line stands on screens, not in the log only. */
export const isShown = (line) => !line.flags?.includes("hidden");

/** Whether nothing more is awaited of a ticket, a sale {lines, ticket}. */
export function isOver({ lines, ticket }) {
  const last = lines[lines.length - 1];
  return endsTicket(last) || (last.protocol === "prisma" && (Boolean(ticket?.closed_at) || lines.some(endsTicket)));
}

/** The name of a Prisma event in the person's language, or its number. */
const eventName = (line) => facts.events?.[line.type] ?? _("Event {number}", { number: line.type });

/** What the line that answers an attempt, allowed or refused, answers; `attempt` is that line if it is known. */
export const answerWords = (attempt) => (attempt ? _("Answers: {event}", { event: eventName(attempt) }) : _("Answers an attempt before it"));

/** The search for the dispenser's ticket that a line ties to its own; "" for any other line. */
export function tiedQuery(line) {
  const pump = line.protocol === "prisma" && line.type === "309" ? /^(?:TRK|ТРК)?:? ?0*(\d+)$/i.exec(line.code) : null;
  const receipt = line.barcode.replace(/^0+/, "");
  return pump && receipt ? ticketQuery(`TRK:${pump[1]}`, receipt) : "";
}

/** The search for one ticket. */
export const ticketQuery = (source, number) => `till:${/\s/.test(source) ? `"${source}"` : source}${number ? ` ticket:${number}` : ""}`;

/** The word before a special line's text: the till's own, or what the event is called. */
export function specialWord(line) {
  if (line.protocol !== "prisma") return line.special;
  if (!line.text) return ""; // its text is the event's name
  return line.special === RETURNED ? _("Return") : eventName(line);
}

/** Whether `line` begins another ticket than the one that `lines` hold. The server's screens follow the same rules. */
export function beginsTicket(lines, line) {
  const last = lines[lines.length - 1];
  if (!last) return false;
  if (last.ticket_id && line.ticket_id) return last.ticket_id !== line.ticket_id;
  return endsTicket(last) || instantOfLine(line) - instantOfLine(last) > silenceOf(last);
}

/** Whether a screen with these lines is to be cleared at `instant` because its till has been silent. */
export const isStale = (lines, instant) => lines.length > 0 && instant - instantOfLine(lines[lines.length - 1]) > silenceOf(lines[0]);

/** Lines of one source, oldest first, as tickets: an array of arrays. */
function tickets(lines) {
  const found = [];
  for (const line of lines) {
    const open = found[found.length - 1];
    if (!open || beginsTicket(open, line)) found.push([line]);
    else open.push(line);
  }
  return found;
}

/** Lines of several sources, oldest first, as a Map of source to tickets. */
export function ticketsBySource(lines) {
  const sources = new Map();
  for (const line of lines.filter(isShown)) {
    if (!sources.has(line.source)) sources.set(line.source, []);
    sources.get(line.source).push(line);
  }
  return new Map([...sources].map(([source, own]) => [source, tickets(own)]));
}

/** An amount with the decimal sign the till itself used. */
export function amountWords(amount, line) {
  if (amount === null || amount === undefined) return "";
  return commaTill(line) ? amount.replace(".", ",") : amount;
}

function commaTill(line) {
  try {
    const raw = atob(line?.raw ?? "");
    return /\d,\d/.test(line?.protocol === "prisma" ? raw.slice(...AMOUNTS) : raw);
  } catch {
    return false; // a raw part that is not base64 says nothing of the sign
  }
}

/** What a line shows: {quantity, text, amount, kind}; `kind` is "article", "special", "sub" or "end". */
export function shown(line) {
  const quantity = line.quantity === null || line.quantity === undefined ? "" : plain(line.quantity);
  if (line.protocol === "prisma") return shownEvent(line, quantity);
  const amount = amountWords(line.amount ?? line.total, line);
  switch (line.type) {
    case "A":
      return { quantity, text: discounted(line.text, discountWords(line)), amount, kind: "article" };
    case "S":
      return { quantity, text: line.text, amount, kind: "special" };
    case "D":
      return { quantity: "", text: line.text || _("Drawer"), amount, kind: "sub" };
    case "T":
      return { quantity: "", text: line.tender || line.text, amount, kind: "sub" };
    case "E":
      return { quantity: "", text: line.tender || line.text || _("End"), amount: amountWords(line.total ?? line.amount, line), kind: line.special ? "special" : "end" };
    default:
      return { quantity, text: ownWords(line) || line.text || line.tender || rawText(line), amount, kind: "sub" };
  }
}

/** What the server itself has added among a till's lines; "" for a line that the till sent. */
function ownWords(line) {
  if (isShown(line)) return ""; // a till's own line is always shown
  if (line.type === "MOTION") return _("Motion");
  return line.type === "RULE" ? `${_("Rule met")} · ${line.text}` : "";
}

/** What a line takes off the price: "−1.50", by a card "5 %"; "" where it says none. */
function discountWords(line) {
  const discount = plain(line.discount ?? "0");
  if (!Number(discount)) return "";
  return line.protocol === "prisma" && DISCOUNT_CARDS.includes(line.type) ? `${discount} %` : `−${amountWords(line.discount, line).replace(/^-/, "")}`;
}

function shownEvent(line, quantity) {
  const name = eventName(line);
  const discount = discountWords(line);
  const amount = (DISCOUNTS.includes(line.type) && discount) || amountWords(line.amount, line) || discount;
  switch (roleOf(line)) {
    case "A":
      return { quantity, text: discounted(line.text || name, discount), amount: amountWords(line.amount, line), kind: "article" };
    case "S":
      return { quantity, text: line.text || name, amount, kind: "special" };
    case "E":
      return { quantity: "", text: name, amount: amountWords(line.total, line), kind: "end" };
    default:
      return { quantity: "", text: line.text ? `${name} · ${line.text}` : name, amount, kind: "sub" };
  }
}

const discounted = (text, discount) => (discount ? `${text} (${discount})` : text);

const plain = (quantity) => (quantity.includes(".") ? quantity.replace(/\.?0+$/, "") : quantity);

function rawText(line) {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(line.raw ?? ""), (c) => c.charCodeAt(0)));
  } catch {
    return "";
  }
}

/**
 * What a special line shows as its amount: {sign, amount, struck}. A cancellation has the amount of the article it takes
 * back (`article`), a gift or a loss is struck because nobody paid it.
 */
export function specialAmount(line, article) {
  const whole = line.protocol !== "prisma" || line.type === VOID ? line.total : null; // else what the receipt comes to
  const amount = amountWords(line.amount ?? article?.amount ?? whole, article ?? line);
  const bare = amount.replace(/^[-−]/, "");
  const less = bare !== "" && (line.special === ANNULLED || line.special === RETURNED || bare !== amount);
  return { sign: less ? "−" : "", amount: bare, struck: isStruck(line) };
}

/** Whether the article of a special line is struck out: it was cancelled, given away or lost. */
export const isStruck = (line) => [ANNULLED, OFFERED, LOST].includes(line.special) && (line.protocol !== "prisma" || Boolean(line.text));

/** The ticket's own total, which its payments settled, in the till's own writing; "" while it is not known. */
export const totalWords = ({ ticket, lines }) => (ticket?.closed_at ? amountWords(ticket.total, written(lines)) : "");

/** What the lines of a ticket come to so far, as the server reckons it; "" where that is not known. */
export const sumWords = ({ tally, lines }) => amountWords(tally?.sum, written(lines));

/** The line whose decimal sign goes for the whole ticket. */
export const written = (lines) => lines.find(commaTill) ?? lines[0];

/** The words of one line read aloud or in a hint: "1 BAGUETTE 1,30". */
export function lineWords(line) {
  const { quantity, text, amount } = shown(line);
  return [quantity, isSpecial(line) ? specialWord(line) : "", text, amount].filter(Boolean).join(" ");
}
