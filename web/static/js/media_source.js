// What browsers call the way by which scripts give video to a `<video>`: iPhones have ManagedMediaSource only, some
// browsers have neither.

const Source = window.MediaSource ?? window.ManagedMediaSource ?? null;

/** Whether this browser can play any video that scripts give it. */
export const playsVideo = Source !== null;

/** Whether it can play `mime`. */
export const canPlay = (mime) => playsVideo && Source.isTypeSupported(mime);

/** A source to be set as `video.src` by `URL.createObjectURL`. Only where `playsVideo`. */
export function sourceFor(video) {
  video.disableRemotePlayback = true; // a managed source opens only so
  return new Source();
}
