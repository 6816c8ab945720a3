// What a search found, kept while this tab is open: the replay goes from one hit to the next.

import { askJson, query } from "./api.js";
import { instantInPicture } from "./lines.js";

const KEY = "camtrace.hits";

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? null;
  } catch {
    return null; // storage is switched off
  }
}

function write(kept) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // storage is switched off or full: the replay goes without
  }
}

/** A line as a hit: {camera, at, line}; null where nothing can be replayed. `ids`: cameras that the person may see. */
export function hitOf(line, ids) {
  const camera = line.cameras.find((id) => ids.includes(id));
  return camera === undefined ? null : { camera, at: instantInPicture(line), line: line.id };
}

/** The way to the replay of a hit; `search` tells the hits of one search from those of another. */
export const hitWay = ({ camera, at }, place, search) => `/replay/${camera}?at=${(at / 1000).toFixed(3)}&search=${search}&hit=${place + 1}`;

/** An exception as a hit, by its own id; null where nothing can be replayed. */
export function exceptionHit(one, ids) {
  const camera = one.cameras.find((id) => ids.includes(id));
  return camera === undefined ? null : { camera, at: Date.parse(one.picture_at), line: one.id };
}

const LISTS = { "/lines": hitOf, "/exceptions": exceptionHit };

/** Keep what a `search` found: the results' `address`, what was asked (as `list` of the API takes it), the `hits`, and `cursor` to the next page. */
export const keepHits = (search, address, asked, hits, cursor, list = "/lines") => write({ search, address, asked, hits, cursor, list });

/** The hit that was watched last, of the results at `address`: {line, place}, the first place is 0; null where none was. */
export function watchedHit(address) {
  const kept = read();
  const hit = kept?.address === address ? kept.hits[kept.watched] : null;
  return hit ? { line: hit.line, place: kept.watched } : null;
}

/** The hits this replay was opened from, by `hit` (the first is 1) and `search` of its address, a URLSearchParams; null if it was not. */
export function hitsAt(asked, ids) {
  const kept = read();
  const place = Number(asked.get("hit")) - 1;
  return kept?.hits[place] && kept.search === asked.get("search") ? new Hits(kept, place, ids) : null;
}

class Hits {
  #kept;
  #place;
  #ids;
  #stepping = Promise.resolve();

  constructor(kept, place, ids) {
    this.#kept = kept;
    this.#ids = ids;
    this.#go(place);
  }

  /** Where this is: the first is 1. */
  get number() {
    return this.#place + 1;
  }

  /** The id of the line or the exception that is this hit. */
  get line() {
    return this.#kept.hits[this.#place].line;
  }

  /** What tells them in the address of a replay that shows something else. */
  get asked() {
    return `&search=${this.#kept.search}&hit=${this.number}`;
  }

  /** The way to the replay of the hit where this is. */
  get way() {
    return hitWay(this.#kept.hits[this.#place], this.#place, this.#kept.search);
  }

  /** How many there are; null while more may follow. */
  get count() {
    return this.#kept.cursor ? null : this.#kept.hits.length;
  }

  /** The page of the results. */
  get address() {
    return this.#kept.address;
  }

  /** The hit after this one, or before it; null where there is none. The next page is fetched when it is needed; steps taken meanwhile wait. */
  step(direction) {
    const stepped = this.#stepping.then(() => this.#step(direction));
    this.#stepping = stepped.catch(() => {});
    return stepped;
  }

  async #step(direction) {
    const place = this.#place + direction;
    if (place >= this.#kept.hits.length && this.#kept.cursor) await this.#more();
    const hit = this.#kept.hits[place];
    if (!hit) return null;
    this.#go(place);
    return hit;
  }

  /** This is where one comes back to. */
  #go(place) {
    this.#place = place;
    this.#kept.watched = place;
    write(this.#kept);
  }

  async #more() {
    const { list, asked, cursor } = this.#kept;
    const answer = await askJson(`${list}${query({ ...asked, cursor })}`);
    this.#kept.hits.push(...answer.items.map((item) => LISTS[list](item, this.#ids)).filter(Boolean));
    this.#kept.cursor = answer.next;
  }
}
