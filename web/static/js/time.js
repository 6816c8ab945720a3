// Instants as the site's clock shows them. An instant is a number: milliseconds since the epoch.

import { facts } from "./page.js";
import { _, ngettext } from "./texts.js";

const zone = facts.zone ?? "UTC";
const language = facts.language ?? "en";
let drift = facts.now ? facts.now - Date.now() : 0; // the server's clock is the one that dates pictures

const parts = new Intl.DateTimeFormat("en-GB", {
  timeZone: zone, hourCycle: "h23",
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const written = language === "en" ? "en-GB" : language; // the day before the month, as the site's clock is in 24 hours
const dayWords = new Intl.DateTimeFormat(written, { timeZone: zone, weekday: "short", day: "numeric", month: "short" });
const longDay = new Intl.DateTimeFormat(written, { timeZone: zone, weekday: "long", day: "numeric", month: "long", year: "numeric" });
const plainDay = new Intl.DateTimeFormat(written, { timeZone: zone, day: "numeric", month: "long", year: "numeric" });
const monthWords = new Intl.DateTimeFormat(written, { timeZone: "UTC", month: "long", year: "numeric" });

/** The server's present instant. */
export const now = () => Date.now() + drift;

/** Learn that the server's clock showed `instant` when this device's showed `here`. */
export function setClock(instant, here) {
  drift = instant - here;
}

/** An instant from what the API or a person's address gives: ISO 8601 or Unix seconds. NaN if neither. */
export function instantOf(value) {
  if (value === null || value === undefined || value === "") return NaN;
  return /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value);
}

/** ISO 8601 in UTC, as the API takes instants. */
export const iso = (instant) => new Date(instant).toISOString();

/** The calendar fields of an instant on the site's clock. */
export function fields(instant) {
  const found = {};
  for (const { type, value } of parts.formatToParts(instant)) found[type] = value;
  return found;
}

/** 14:32:08 */
export function clock(instant) {
  const { hour, minute, second } = fields(instant);
  return `${hour}:${minute}:${second}`;
}

/** 14:32 */
export const shortClock = (instant) => clock(instant).slice(0, 5);

/** 14:32:08.4 */
export const fineClock = (instant) => `${clock(instant)}.${Math.floor((((instant % 1000) + 1000) % 1000) / 100)}`;

/** Fri 20 Nov */
export const shortDay = (instant) => dayWords.format(instant).replace(/^(\w+), /u, "$1 ");

/** Friday 20 November 2026 */
export const wholeDay = (instant) => longDay.format(instant);

/** 20 November 2026, within a sentence */
export const dateWords = (instant) => plainDay.format(instant).replace(/ г\.$/u, "");

/** November 2026, from a year and a month of 1 to 12. */
export const monthName = (year, month) => {
  const words = monthWords.format(Date.UTC(year, month - 1, 15));
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** 2026-11-20, the day an instant lies in. */
export function dayOf(instant) {
  const { year, month, day } = fields(instant);
  return `${year}-${month}-${day}`;
}

/** The instant at which the day named 2026-11-20 begins on the site's clock. */
export function dayStart(name) {
  const [year, month, day] = name.split("-").map(Number);
  return wallInstant(year, month, day, 0, 0, 0);
}

/** The instant at which the day after `name` begins: a day has 23 to 25 hours. */
export function dayEnd(name) {
  const [year, month, day] = name.split("-").map(Number);
  return wallInstant(year, month, day + 1, 0, 0, 0);
}

/** The instant at which the site's clock shows these figures (the first one, where it shows them twice). */
export function wallInstant(year, month, day, hour, minute, second) {
  const wanted = Date.UTC(year, month - 1, day, hour, minute, second);
  const shown = (instant) => {
    const f = fields(instant);
    return Date.UTC(f.year, f.month - 1, f.day, f.hour, f.minute, f.second);
  };
  let guess = wanted;
  for (let round = 0; round < 3; round += 1) guess += wanted - shown(guess);
  return guess;
}

/** A length in words: "12 s", "3 min 20 s", "2 h 5 min". */
export function lengthWords(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return _("{count} s", { count: seconds });
  if (seconds < 3600) {
    const rest = seconds % 60;
    const minutes = Math.floor(seconds / 60);
    return rest ? _("{minutes} min {seconds} s", { minutes, seconds: rest }) : _("{count} min", { count: minutes });
  }
  return _("{hours} h {minutes} min", { hours: Math.floor(seconds / 3600), minutes: Math.floor((seconds % 3600) / 60) });
}

/** How long ago, in whole minutes or hours: for what need not be exact. */
export function agoWords(milliseconds) {
  const minutes = Math.round(milliseconds / 60000);
  if (minutes < 60) return ngettext("{count} minute", "{count} minutes", minutes);
  return ngettext("{count} hour", "{count} hours", Math.round(minutes / 60));
}
