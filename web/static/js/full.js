// A part of the page on the whole screen; alarms and words to the person come along.

import { byId } from "./page.js";

document.addEventListener("fullscreenchange", () => {
  const box = document.fullscreenElement; // nothing outside of it is seen
  const alarms = document.querySelector(".alarmstack");
  if (alarms && box) box.prepend(alarms);
  else if (alarms) byId("main").before(alarms);
  (box ?? document.body).append(byId("toasts"));
});

/** Show `element` on the whole screen, or nothing any more. */
export function toggleFull(element) {
  if (document.fullscreenElement) document.exitFullscreen();
  else element.requestFullscreen?.();
}
