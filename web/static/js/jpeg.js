// Single JPEG pictures drawn on a canvas. While one is being decoded only the newest of the others is kept.

export class JpegFeed {
  #canvas;
  #next = null;
  #busy = false;
  #dead = false;

  /** Wall time of the picture now shown. */
  shownAt = NaN;

  constructor(canvas) {
    this.#canvas = canvas;
  }

  append(bytes, at) {
    this.#next = { bytes, at };
    if (!this.#busy) this.#draw();
  }

  stop() {
    this.#dead = true;
  }

  toEdge() {}

  async #draw() {
    this.#busy = true;
    while (this.#next && !this.#dead) {
      const { bytes, at } = this.#next;
      this.#next = null;
      try {
        const picture = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
        if (!this.#dead) drawn(this.#canvas, picture, picture.width, picture.height);
        picture.close();
        this.shownAt = at;
      } catch {
        // a picture that cannot be decoded: the next one replaces it
      }
    }
    this.#busy = false;
  }
}

/** Draw `picture` on `canvas` in its own size. */
export function drawn(canvas, picture, width, height) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext("2d", { alpha: false }).drawImage(picture, 0, 0);
}
