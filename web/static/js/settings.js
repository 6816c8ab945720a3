// Keeps what is set for tills, what events are called and what cameras are called as it is now, on pages that stay open.

import { el } from "./dom.js";
import { facts } from "./page.js";

/** An element that says a camera's name, also when it is another. */
export const cameraName = ({ id, name }, tag = "b") => el(tag, { "data-camera": id }, name);

/**
 * Have `facts` follow what `socket` tells of settings; `changed(told)` is called when something is another: {tills, events,
 * cameras}, of which only what was told is there. Elements with `data-camera` say the camera's new name at once, behind
 * `data-before`.
 */
export function followSettings(socket, changed) {
  socket.onSettings((told) => {
    let other = false;
    for (const name of ["tills", "events"]) {
      if (!told[name] || JSON.stringify(told[name]) === JSON.stringify(facts[name])) continue;
      facts[name] = told[name];
      other = true;
    }
    if (told.cameras && rename(told.cameras)) other = true;
    if (other) changed(told);
  });
}

/** `names` by number; true when one is another, or when there are other cameras than the page knows. */
function rename(names) {
  const strange = Object.keys(names).length !== facts.cameras.length || facts.cameras.some(({ id }) => !(id in names));
  const renamed = facts.cameras.filter(({ id, name }) => id in names && names[id] !== name);
  for (const camera of renamed) {
    const name = names[camera.id];
    for (const element of document.querySelectorAll(`[data-camera="${camera.id}"]`)) element.textContent = (element.dataset.before ?? "") + name;
    if ([facts.camera, facts.replayed?.id].includes(camera.id) && !facts.replayed?.removed) {
      for (const title of document.querySelectorAll("title, h1")) title.textContent = title.textContent.replace(camera.name, () => name);
      if (facts.replayed) facts.replayed.name = name;
    }
    camera.name = name;
  }
  return strange || renamed.length > 0;
}
