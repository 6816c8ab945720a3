// How wide the picture in a figure is for its height, which the style sheet knows as `--ratio`.

const NARROWEST = 0.75;
const WIDEST = 2.4;

/** Keep `--ratio` of `figure` true to what is shown in it. `state` is the camera's, if known; `told(ratio)` hears of each change. */
export function followShape(figure, state, told = () => {}) {
  let known = "";
  function shaped(width, height) {
    if (!(width > 0 && height > 0)) return;
    const ratio = Math.min(WIDEST, Math.max(NARROWEST, width / height));
    if (ratio.toFixed(3) === known) return;
    known = ratio.toFixed(3);
    figure.style.setProperty("--ratio", known);
    told(ratio);
  }
  shaped(state?.width, state?.height);
  for (const type of ["loadedmetadata", "resize"]) figure.addEventListener(type, ({ target }) => shaped(target.videoWidth, target.videoHeight), true);
  figure.addEventListener("load", ({ target }) => shaped(target.naturalWidth, target.naturalHeight), true);
  new MutationObserver((changes) => { for (const { target } of changes) shaped(target.width, target.height); })
    .observe(figure, { subtree: true, attributes: true, attributeFilter: ["width", "height"] });
}
