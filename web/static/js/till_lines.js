// The recorded lines of the tills a camera watches, around an instant, and its tickets of a day.

import { askJson, query } from "./api.js";
import { instantInPicture, settingsOf } from "./lines.js";
import { may } from "./page.js";
import { saleOf } from "./ticket.js";
import { iso } from "./time.js";

const AROUND_MS = 15 * 60000;
const INNER_MS = 6 * 60000;
const PAGE = 1000;
const MOST_PAGES = 10;

export class TillLines {
  #camera;
  #sources;
  #allowed = may("lines");
  #from = NaN;
  #to = NaN;
  #asking = false;
  #sales = new Map(); // id -> {last, sale: Promise}

  /** Lines known now, oldest first. */
  lines = [];

  /** `sources`: the tills it watches. */
  constructor(camera, sources) {
    this.#camera = camera;
    this.#sources = sources;
  }

  /** The tills it watches now. */
  set sources(sources) {
    this.#sources = sources;
  }

  /** Make sure that the lines around `at` are known; true when they were asked for anew. */
  async around(at) {
    if (!this.#allowed || this.#asking || (at > this.#from + INNER_MS && at < this.#to - INNER_MS)) return false;
    this.#asking = true;
    try {
      const [from, to] = [at - AROUND_MS, at + AROUND_MS];
      this.lines = await pages("/lines", { camera: this.#camera, start: iso(from), stop: iso(to), order: "asc" });
      [this.#from, this.#to] = [from, to];
      return true;
    } finally {
      this.#asking = false;
    }
  }

  /** Forget until when lines are known: newer ones may have come. */
  forget() {
    this.#from = NaN;
  }

  /** The line whose picture is before (-1) or after (1) `at`; null if there is none. */
  async next(at, direction) {
    const offsets = new Set(this.#sources.map((source) => settingsOf(source).offset_ms));
    const asked = offsets.size > 1 ? this.#sources.map((source) => [source, settingsOf(source).offset_ms]) : [["", offsets.values().next().value ?? 0]];
    const found = await Promise.all(asked.map(([source, offset]) => this.#nextOf(source, at - offset, direction)));
    return found.filter(Boolean).sort((a, b) => direction * (instantInPicture(a) - instantInPicture(b)))[0] ?? null;
  }

  async #nextOf(source, at, direction) {
    const asked = direction < 0 ? { stop: iso(at) } : { start: iso(at), order: "asc" };
    const { items } = await askJson(`/lines${query({ camera: this.#camera, source, limit: 1, ...asked })}`);
    return items[0] ?? null;
  }

  /** The whole ticket `id` as a sale; asked for again when `lines`, what is known of it, holds a new one. */
  whole(id, lines) {
    const last = lines[lines.length - 1].id;
    const kept = this.#sales.get(id);
    if (kept?.last === last) return kept.sale;
    const sale = askJson(`/tickets/${id}`).then(saleOf);
    this.#sales.set(id, { last, sale });
    sale.catch(() => this.#sales.delete(id));
    return sale;
  }

  /** The tickets between two instants as [opened, closed], oldest first. */
  async tickets(start, stop) {
    if (!this.#allowed) return [];
    const found = await pages("/tickets", { camera: this.#camera, start: iso(start), stop: iso(stop) });
    const shifted = (instant, source) => Date.parse(instant) + settingsOf(source).offset_ms;
    return found.map(({ source, opened_at, closed_at }) => [shifted(opened_at, source), shifted(closed_at ?? opened_at, source)]).sort((a, b) => a[0] - b[0]);
  }
}

async function pages(path, asked) {
  const found = [];
  let cursor = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { items, next } = await askJson(`${path}${query({ ...asked, limit: PAGE, cursor })}`);
    found.push(...items);
    cursor = next;
    if (!cursor) break;
  }
  return found;
}
