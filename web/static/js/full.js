// A part of the page on the whole screen; alarms and words to the person come along.

const FOLLOWERS = ".alarmstack, #toasts";

document.addEventListener("fullscreenchange", () => {
  const box = document.fullscreenElement ?? document.body; // nothing outside of it is seen
  for (const element of document.querySelectorAll(FOLLOWERS)) box.append(element);
});

/** Show `element` on the whole screen, or nothing any more. */
export function toggleFull(element) {
  if (document.fullscreenElement) document.exitFullscreen();
  else element.requestFullscreen?.();
}
