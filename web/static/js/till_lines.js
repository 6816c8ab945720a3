// The recorded lines of the tills a camera watches, around an instant, and its tickets of a day.

import { askJson, query } from "./api.js";
import { may } from "./page.js";
import { saleOf } from "./ticket.js";
import { iso } from "./time.js";

const AROUND_MS = 15 * 60000;
const INNER_MS = 6 * 60000;
const PAGE = 1000;
const MOST_PAGES = 10;

export class TillLines {
  #camera;
  #allowed = may("lines");
  #from = NaN;
  #to = NaN;
  #asking = false;
  #sales = new Map(); // id -> {last, sale: Promise}

  /** Lines known now, oldest first. */
  lines = [];

  constructor(camera) {
    this.#camera = camera;
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

  /** The line before (-1) or after (1) `at`; null if there is none. */
  async next(at, direction) {
    const asked = direction < 0 ? { stop: iso(at) } : { start: iso(at), order: "asc" };
    const { items } = await askJson(`/lines${query({ camera: this.#camera, limit: 1, ...asked })}`);
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
    return found.map(({ opened_at, closed_at }) => [Date.parse(opened_at), Date.parse(closed_at ?? opened_at)]).sort((a, b) => a[0] - b[0]);
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
