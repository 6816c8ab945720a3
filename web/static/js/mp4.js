// As much of an MP4 file's head as is needed to know how a browser must be told to play it.

const HEX = (byte) => byte.toString(16).padStart(2, "0");

/** The MIME type with its codecs, from the bytes of `ftyp` + `moov`; "" when they hold no picture that MSE knows of. */
export function mimeOf(head) {
  const codecs = [];
  const avc = find(head, "avcC");
  if (avc >= 0) codecs.push(`avc1.${HEX(head[avc + 5])}${HEX(head[avc + 6])}${HEX(head[avc + 7])}`);
  else if (find(head, "hvcC") >= 0) codecs.push("hvc1.1.6.L93.B0");
  else return "";
  if (find(head, "mp4a") >= 0) codecs.push("mp4a.40.2");
  return `video/mp4; codecs="${codecs.join(",")}"`;
}

/** Whether the file's head says that it has sound. */
export const hasSound = (head) => find(head, "mp4a") >= 0;

/**
 * The media time at which `fragment` begins, in seconds of the first track of `head`: it may count from any beginning.
 */
export function beginsAt(head, fragment) {
  const header = find(head, "mdhd") + 4;
  const time = find(fragment, "tfdt") + 4;
  if (header < 4 || time < 4) return 0;
  const scale = view(head).getUint32(header + (head[header] === 1 ? 20 : 12));
  const ticks = fragment[time] === 1 ? Number(view(fragment).getBigUint64(time + 4)) : view(fragment).getUint32(time + 4);
  return ticks / scale;
}

const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The length of `ftyp` + `moov` in `bytes`, or 0 when they are not whole yet. */
export function headLength(bytes) {
  const words = view(bytes);
  let offset = 0;
  while (offset + 8 <= bytes.length) {
    const length = words.getUint32(offset);
    const name = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
    if (length < 8) return 0;
    offset += length;
    if (name === "moov") return offset <= bytes.length ? offset : 0;
  }
  return 0;
}

function find(bytes, name) {
  const [a, b, c, d] = [...name].map((letter) => letter.charCodeAt(0));
  for (let place = 0; place + 4 <= bytes.length; place += 1) {
    if (bytes[place] === a && bytes[place + 1] === b && bytes[place + 2] === c && bytes[place + 3] === d) return place;
  }
  return -1;
}
