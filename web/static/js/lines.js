// What the lines of a till mean on a ticket. Pure: no element is touched here. Lines are those of `GET /lines`.

import { _ } from "./texts.js";

const ANNULLED = "ANNULE";
const SILENCE_MS = 5 * 60000; // a till that is silent for so long has left its ticket: the screen is cleared

/** The instant a line was received, in milliseconds. */
export const instantOfLine = (line) => Date.parse(line.received_at);

/** Whether the line ends its ticket. */
export const endsTicket = (line) => line.type === "E";

/** Whether the line is shown in red: a cancellation, a gift, a loss, a return. */
export const isSpecial = (line) => line.type === "S";

/** Whether the special line takes an article of this ticket back. */
export const takesBack = (line) => isSpecial(line) && line.special === ANNULLED;

/** Whether `line` begins another ticket than the one that `lines` hold. The server's screens follow the same rules. */
export function beginsTicket(lines, line) {
  const last = lines[lines.length - 1];
  if (!last) return false;
  if (last.ticket_id && line.ticket_id) return last.ticket_id !== line.ticket_id;
  return endsTicket(last) || instantOfLine(line) - instantOfLine(last) > SILENCE_MS;
}

/** Whether a screen with these lines is to be cleared at `instant` because its till has been silent. */
export const isStale = (lines, instant) => lines.length > 0 && instant - instantOfLine(lines[lines.length - 1]) > SILENCE_MS;

/** Lines of one source, oldest first, as tickets: an array of arrays. */
export function tickets(lines) {
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
  for (const line of lines) {
    if (!sources.has(line.source)) sources.set(line.source, []);
    sources.get(line.source).push(line);
  }
  return new Map([...sources].map(([source, own]) => [source, tickets(own)]));
}

/**
 * For each cancelling line of a ticket the article it takes back: a Map of the special line to the line taken back.
 * It is the last one before it with the same article that no other line took back.
 */
export function takenBack(lines) {
  const pairs = new Map();
  const gone = new Set();
  lines.forEach((line, place) => {
    if (!takesBack(line)) return;
    for (let before = place - 1; before >= 0; before -= 1) {
      const article = lines[before];
      if (article.type === "A" && !gone.has(article) && sameArticle(article, line)) {
        gone.add(article);
        pairs.set(line, article);
        return;
      }
    }
  });
  return pairs;
}

function sameArticle(one, other) {
  if (one.code || other.code) return one.code === other.code;
  return one.text.toLowerCase() === other.text.toLowerCase();
}

/** An amount with the decimal sign the till itself used. */
export function amountWords(amount, line) {
  if (amount === null || amount === undefined) return "";
  return commaTill(line) ? amount.replace(".", ",") : amount;
}

function commaTill(line) {
  try {
    return /\d,\d/.test(atob(line?.raw ?? ""));
  } catch {
    return false; // a raw part that is not base64 says nothing of the sign
  }
}

/** What a line shows: {quantity, text, amount, kind}; `kind` is "article", "special", "sub" or "end". */
export function shown(line) {
  const quantity = line.quantity === null || line.quantity === undefined ? "" : plain(line.quantity);
  const amount = amountWords(line.amount ?? line.total, line);
  switch (line.type) {
    case "A":
      return { quantity, text: line.text, amount, kind: "article" };
    case "S":
      return { quantity, text: line.text, amount, kind: "special" };
    case "D":
      return { quantity: "", text: line.text || _("Drawer"), amount, kind: "sub" };
    case "T":
      return { quantity: "", text: line.tender || line.text, amount, kind: "sub" };
    case "E":
      return { quantity: "", text: line.tender || line.text || _("End"), amount: amountWords(line.total ?? line.amount, line), kind: "end" };
    default:
      return { quantity, text: line.text || line.tender || rawText(line), amount, kind: "sub" };
  }
}

const plain = (quantity) => (quantity.includes(".") ? quantity.replace(/\.?0+$/, "") : quantity);

function rawText(line) {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(line.raw ?? ""), (c) => c.charCodeAt(0)));
  } catch {
    return "";
  }
}

/** The sum of a ticket's articles that were not taken back, in the till's own writing; "" if no amount is known. */
export function sumWords(lines) {
  const gone = new Set(takenBack(lines).values());
  const counted = lines.filter((line) => line.type === "A" && !gone.has(line) && line.amount !== null && line.amount !== undefined);
  if (!counted.length) return "";
  const cents = counted.reduce((sum, line) => sum + Math.round(Number(line.amount) * 100), 0);
  return amountWords((cents / 100).toFixed(2), counted[0]);
}

/** {count, cancelled, cancelledAmount}: how many article lines a ticket has, and what was taken back. */
export function counts(lines) {
  const pairs = takenBack(lines);
  const gone = [...pairs.values()].filter((line) => line.amount);
  const cents = gone.reduce((sum, line) => sum + Math.round(Number(line.amount) * 100), 0);
  return {
    count: lines.filter((line) => line.type === "A").length,
    cancelled: lines.filter(isSpecial).length,
    cancelledAmount: gone.length ? amountWords((cents / 100).toFixed(2), gone[0]) : "",
  };
}

/** The words of one line read aloud or in a hint: "1 BAGUETTE 1,30". */
export function lineWords(line) {
  const { quantity, text, amount } = shown(line);
  return [quantity, line.special && isSpecial(line) ? line.special : "", text, amount].filter(Boolean).join(" ");
}
