// As much of MP4 (ISO/IEC 14496-12) as is needed to tell a browser how to play a file, and to take single pictures out.

const HEX = (byte) => byte.toString(16).padStart(2, "0");

const JPEG_OBJECT = 0x6c; // objectTypeIndication of JPEG (ISO/IEC 14496-1, table 5)

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

/** The track of JPEG pictures in `ftyp` + `moov`: {id, scale} (ticks a second), or null when there is none. */
export function jpegTrack(head) {
  for (const movie of boxes(head, "moov")) {
    for (const track of boxes(movie, "trak")) {
      if (find(track, "mp4v") < 0 || objectType(track) !== JPEG_OBJECT) continue;
      const [ids, times] = [find(track, "tkhd") + 4, find(track, "mdhd") + 4];
      return {
        id: view(track).getUint32(ids + (track[ids] === 1 ? 20 : 12)),
        scale: view(track).getUint32(times + (track[times] === 1 ? 20 : 12)),
      };
    }
  }
  return null;
}

/** What the elementary stream descriptor says that the samples are. */
function objectType(track) {
  let place = find(track, "esds") + 8; // behind name, version and flags
  if (place < 8) return 0;
  const enter = () => {
    place += 1;
    while (track[place] & 0x80) place += 1; // the length takes one to four bytes
    place += 1;
  };
  enter(); // ES_Descriptor: its id and flags, none of which bring more fields in what we write
  place += 3;
  enter(); // DecoderConfigDescriptor
  return track[place];
}

/** The samples of one track in a whole fragment (`moof` + `mdat`): [{seconds, bytes}], the bytes not copied. */
export function samplesOf(fragment, { id, scale }) {
  const found = [];
  for (const moof of boxes(fragment, "moof")) {
    for (const traf of boxes(moof, "traf")) {
      const [header] = boxes(traf, "tfhd");
      if (view(header).getUint32(4) !== id) continue;
      let ticks = decodeTime(boxes(traf, "tfdt")[0]);
      for (const run of boxes(traf, "trun")) {
        const { samples, offset } = readRun(run, defaultsOf(header));
        let place = moof.byteOffset - 8 - fragment.byteOffset + offset;
        for (const { duration, size } of samples) {
          found.push({ seconds: ticks / scale, bytes: fragment.subarray(place, place + size) });
          ticks += duration;
          place += size;
        }
      }
    }
  }
  return found;
}

function decodeTime(box) {
  return box[0] === 1 ? Number(view(box).getBigUint64(4)) : view(box).getUint32(4);
}

function defaultsOf(header) {
  const flags = view(header).getUint32(0) & 0xffffff;
  let place = 8;
  const next = (flag, length) => {
    if (!(flags & flag)) return 0;
    place += length;
    return view(header).getUint32(place - 4);
  };
  next(0x1, 8); // base-data-offset
  next(0x2, 4); // sample-description-index
  return { duration: next(0x8, 4), size: next(0x10, 4) };
}

function readRun(run, defaults) {
  const words = view(run);
  const flags = words.getUint32(0) & 0xffffff;
  const count = words.getUint32(4);
  let place = 8;
  const next = (flag, otherwise) => {
    if (!(flags & flag)) return otherwise;
    place += 4;
    return words.getUint32(place - 4);
  };
  const offset = next(0x1, 8);
  next(0x4, 0); // first-sample-flags
  const samples = Array.from({ length: count }, () => {
    const sample = { duration: next(0x100, defaults.duration), size: next(0x200, defaults.size) };
    next(0x400, 0); // flags
    next(0x800, 0); // composition offset: a JPEG is shown when it is decoded
    return sample;
  });
  return { samples, offset };
}

/** Puts the pieces of a download together again: whole fragments come out. */
export class Fragments {
  #pieces = [];
  #have = 0;
  #need = 8;

  /** The fragments (`moof` + `mdat`) that are whole with `piece`. */
  add(piece) {
    this.#pieces.push(piece);
    this.#have += piece.byteLength;
    const whole = [];
    while (this.#have >= this.#need) {
      const bytes = joined(this.#pieces);
      const { end, need } = fragmentEnd(bytes);
      this.#need = need;
      if (end) whole.push(bytes.subarray(0, end));
      this.#pieces = [bytes.subarray(end)];
      this.#have = bytes.byteLength - end;
    }
    return whole;
  }
}

/** Where the first fragment of `bytes` ends (0: it is not whole yet) and how many bytes must be there to look again. */
function fragmentEnd(bytes) {
  const words = view(bytes);
  let place = 0;
  while (place + 8 <= bytes.length) {
    const length = words.getUint32(place);
    if (length < 8) throw new Error("this is no MP4 fragment");
    if (place + length > bytes.length) return { end: 0, need: place + length };
    const name = nameAt(bytes, place + 4);
    place += length;
    if (name === "mdat") return { end: place, need: 8 };
  }
  return { end: 0, need: place + 8 };
}

/** Several byte arrays as one. */
export function joined(pieces) {
  if (pieces.length === 1) return pieces[0];
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.byteLength;
  }
  return whole;
}

/** The contents of the boxes called `name` that lie directly in `bytes`. */
function boxes(bytes, name) {
  const found = [];
  const words = view(bytes);
  for (let place = 0; place + 8 <= bytes.length;) {
    const length = words.getUint32(place);
    if (length < 8) break;
    if (nameAt(bytes, place + 4) === name) found.push(bytes.subarray(place + 8, place + length));
    place += length;
  }
  return found;
}

const nameAt = (bytes, place) => String.fromCharCode(...bytes.subarray(place, place + 4));

const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The length of `ftyp` + `moov` in `bytes`, or 0 when they are not whole yet. */
export function headLength(bytes) {
  const words = view(bytes);
  let offset = 0;
  while (offset + 8 <= bytes.length) {
    const length = words.getUint32(offset);
    const name = nameAt(bytes, offset + 4);
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
