// Elements without templates: small, escaped by construction.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined && child !== false) element.append(child);
  return element;
}

/** An HTML element; `on…` attributes are listeners, false, null and undefined are left out. */
export const el = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);

/** An SVG element. */
export const svg = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

/** A table of `rows` (`<tr>`s) under the words of `heads`; `figures`: the place of a column of numbers. On a phone each row stacks its cells behind those words. */
export function stackingTable(heads, rows, figures = -1) {
  for (const row of rows) [...row.children].forEach((cell, place) => cell.setAttribute("data-head", heads[place]));
  return el("table", { class: "tbl piles" },
    el("thead", null, el("tr", null, heads.map((words, place) => el("th", { scope: "col", class: place === figures ? "r" : null }, words)))), el("tbody", null, rows));
}

/** An icon of `_icons.svg`. */
export const icon = (name, kind = "i") =>
  svg("svg", { class: kind, "aria-hidden": "true" }, svg("use", { href: `#i-${name}` }));

/** Put another icon on a button. */
export const setIcon = (button, name) => button.querySelector("svg use").setAttribute("href", `#i-${name}`);

/** Show or hide an element. */
export const show = (element, visible) => {
  element.hidden = !visible;
};

/** What is written into inputs of `box` is kept as soon as it is whole. */
export const keepsWritten = (box) => box.addEventListener("change", ({ target }) => { if (target.matches("input")) target.defaultValue = target.value; });

/** Whether somebody has written something inside `box` that is not kept yet. */
export const isWriting = (box) => box.querySelector("input:focus") !== null && document.activeElement.value !== document.activeElement.defaultValue;

/** Scroll `box`, and nothing around it, until `item` inside it can be seen. */
export function scrollWithin(box, item) {
  if (box.scrollHeight <= box.clientHeight + 1) return;
  const [outer, inner] = [box.getBoundingClientRect(), item.getBoundingClientRect()];
  if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom;
  else if (inner.top < outer.top) box.scrollTop -= outer.top - inner.top;
}

/** Make `children` what `parent` holds, in this order; those that stay are not touched, or a click on them would be lost. */
export function arrange(parent, children) {
  const stay = new Set(children);
  for (const child of [...parent.children]) if (!stay.has(child)) child.remove();
  children.forEach((child, place) => { if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null); });
}
