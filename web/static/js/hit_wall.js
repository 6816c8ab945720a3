// Search results as a wall: the picture of each line's second beside its ticket.

import { askJson } from "./api.js";
import { el, icon, show } from "./dom.js";
import { instantInPicture, instantOfLine, sumWords, tillWords, totalWords } from "./lines.js";
import { lineItem, lineItems, saleOf } from "./ticket.js";
import { _ } from "./texts.js";
import { clock, dayOf, iso, now, wholeDay } from "./time.js";

const EXCERPT = 4; // lines of the ticket
const HOVER_MS = 250;
const PLAYED_MS = [-1500, 4500]; // around the line's second
const STILL_MS = 500;

/** A wall that grows by pages of lines. `wayOf(line)`: the address of its replay, null for none. */
export class HitWall {
  #wayOf;
  #mark;
  #grid = null;
  #day = "";
  #tickets = new Map();
  #seen;

  constructor(wayOf, mark) {
    this.element = el("div", { class: "wallview" });
    this.#wayOf = wayOf;
    this.#mark = mark;
    this.#seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) {
          this.#seen.unobserve(target);
          target.dispatchEvent(new Event("seen"));
        }
      }
    }, { rootMargin: "300px" });
  }

  append(line) {
    const at = instantOfLine(line);
    if (dayOf(at) !== this.#day) {
      this.#day = dayOf(at);
      this.#grid = el("div", { class: "hitwall" });
      const aside = this.#day === dayOf(now()) ? el("span", { class: "faint" }, _("today")) : null;
      this.element.append(el("h2", { class: "dayhead" }, wholeDay(at), aside), this.#grid);
    }
    const card = this.#card(line);
    this.#grid.append(card);
    this.#seen.observe(card);
  }

  #card(line) {
    const way = this.#wayOf(line);
    const list = el("ol", { class: "tk-lines" }, this.#drawn(lineItem(line)));
    const total = el("span", { class: "t mono" });
    const number = line.ticket && line.ticket !== "0" ? ` · ${line.ticket}` : "";
    const heading = el("b", null, tillWords(line.source) + number);
    const picture = new Still(line, way);
    const card = el(way ? "a" : "div", { class: "hit", href: way, "data-line": line.id },
      picture.element,
      el("span", { class: "ticket" }, el("span", { class: "h" }, heading, el("span", null, line.seller)), list, el("span", { class: "f" }, el("span"), total)));
    card.addEventListener("seen", () => {
      picture.look();
      this.#sale(line).then((sale) => {
        if (!sale) return;
        list.replaceChildren(...this.#excerpt(sale, line));
        total.textContent = totalWords(sale) || sumWords(sale);
        if (sale.ticket.number && sale.ticket.number !== "0") heading.textContent = tillWords(line.source) + ` · ${sale.ticket.number}`;
      });
    });
    return card;
  }

  /** The ticket of a line, fetched once; null where it cannot be had. */
  #sale(line) {
    if (!line.ticket_id) return Promise.resolve(null);
    if (!this.#tickets.has(line.ticket_id)) {
      this.#tickets.set(line.ticket_id, askJson(`/tickets/${line.ticket_id}`).then(saleOf, () => null));
    }
    return this.#tickets.get(line.ticket_id);
  }

  /** The lines around the one that was found. */
  #excerpt(sale, line) {
    const items = lineItems(sale);
    const place = sale.lines.findIndex(({ id }) => id === line.id);
    const first = Math.max(0, Math.min(place - 2, items.length - EXCERPT));
    const shown = items.slice(first, first + EXCERPT);
    if (place >= 0) this.#drawn(items[place]);
    return shown;
  }

  /** The line that was found, its words under the highlighter. */
  #drawn(item) {
    item.classList.add("hitline");
    for (const node of textsIn(item.querySelector(".d"))) node.replaceWith(...this.#mark(node.textContent));
    return item;
  }
}

/** The line's instant in its till's log; and that of the picture, where it is another. */
function whenWords(line) {
  const [told, shown] = [instantOfLine(line), instantInPicture(line)].map((at) => clock(at));
  return told === shown ? told : _("{time}, picture {shown}", { time: told, shown });
}

function textsIn(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) found.push(walker.currentNode);
  return found;
}

/** The picture of an instant, which plays a few seconds under the pointer. */
class Still {
  #at;
  #camera;
  #image = el("img", { alt: "", hidden: true, decoding: "async" });
  #none = el("span", { class: "nopic", hidden: true });
  #video = null;
  #timer = 0;

  constructor(line, way) {
    this.#at = instantInPicture(line);
    this.#camera = way ? /^\/replay\/(\d+)/.exec(way)[1] : null;
    this.element = el("span", { class: "pic" }, this.#image, this.#none, el("span", { class: "tag bl" }, el("span", { class: "when" }, whenWords(line))));
    this.#image.addEventListener("load", () => { show(this.#image, true); show(this.#none, false); });
    this.#image.addEventListener("error", () => this.#missing());
    this.element.addEventListener("pointerenter", () => this.#soon());
    this.element.addEventListener("pointerleave", () => this.#rest());
  }

  look() {
    if (this.#camera === null) this.#missing();
    else this.#image.src = this.#address(this.#at);
  }

  #address(at) {
    return `/api/v1/cameras/${this.#camera}/snapshot.jpg?at=${encodeURIComponent(iso(at))}`;
  }

  #missing() {
    if (this.#timer) return; // a still of a moment that plays: the others may be there
    show(this.#image, false);
    this.#none.replaceChildren(icon("cam"), this.#camera === null ? _("No camera") : _("No picture"));
    show(this.#none, true);
  }

  #soon() {
    if (this.#image.hidden) return;
    this.#timer = setTimeout(() => this.#play(), HOVER_MS);
  }

  #play() {
    const span = { kind: "all", start: iso(this.#at + PLAYED_MS[0]), stop: iso(Math.min(now(), this.#at + PLAYED_MS[1])) };
    this.#video = el("video", { playsinline: true, loop: true, tabindex: "-1", disablepictureinpicture: true });
    this.#video.muted = true;
    this.#video.addEventListener("error", () => this.#flip());
    this.#video.addEventListener("playing", () => this.element.classList.add("plays"));
    this.#video.src = `/api/v1/cameras/${this.#camera}/video.mp4?${new URLSearchParams(span)}`;
    this.#image.after(this.#video);
    this.#video.play().catch(() => {}); // left at once, or not playable: the error tells
  }

  /** What the browser cannot play is shown picture by picture. */
  #flip() {
    this.#video?.remove();
    let at = this.#at;
    this.#timer = setInterval(() => {
      at = at + STILL_MS > this.#at + PLAYED_MS[1] ? this.#at + PLAYED_MS[0] : at + STILL_MS;
      this.#image.src = this.#address(at);
    }, STILL_MS);
  }

  #rest() {
    clearTimeout(this.#timer);
    clearInterval(this.#timer);
    const flipped = this.#timer && !this.#video?.isConnected && this.#video;
    this.#timer = 0;
    if (this.#video) {
      this.#video.removeAttribute("src");
      this.#video.load();
      this.#video.remove();
      this.#video = null;
      this.element.classList.remove("plays");
    }
    if (flipped) this.#image.src = this.#address(this.#at);
  }
}
