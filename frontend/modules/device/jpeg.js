// @ts-check
/** What a JPEG file says of itself before its pixels (ITU-T T.81, annex B; Exif 2.3, section 4.6). */
import { NotPrepared } from "./notprepared.js";

const SOI = 0xd8, EOI = 0xd9, SOS = 0xda, APP1 = 0xe1;
const ORIENTATION = 0x0112;

/**
 * @typedef {object} Jpeg
 * @property {number} columns as stored, before the image is turned upright
 * @property {number} rows
 * @property {number} orientation Exif's: 1 to 8
 * @property {Blob} upright the file without what would make a browser turn it: that is done here, after the reduction
 */

/**
 * @param {Uint8Array<ArrayBuffer>} bytes the whole file
 * @returns {Jpeg}
 * @throws {NotPrepared} where a browser may read other pixels than Pillow
 */
export function readJpeg(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const kept = [bytes.subarray(0, 2)];
  const found = { columns: 0, rows: 0, orientation: 0 };
  let xmp = 0;
  let at = 2;
  for (;;) {
    if (at + 4 > bytes.length) throw new NotPrepared("damaged");
    if (bytes[at] !== 0xff) throw new NotPrepared("damaged");
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === SOS || marker === SOI || marker === EOI) break;
    const segment = bytes.subarray(at, at + 2 + view.getUint16(at + 2));
    if (marker === APP1) {
      found.orientation ||= exifOrientation(segment);
      xmp ||= xmpOrientation(segment);
    } else kept.push(segment);
    if (isFrame(marker)) {
      if (segment[4] !== 8 || ![1, 3].includes(segment[9])) throw new NotPrepared("unusualJpeg");
      Object.assign(found, { rows: view.getUint16(at + 5), columns: view.getUint16(at + 7) });
    }
    at += segment.length;
  }
  if (bytes[at + 1] !== SOS || !endsAfter(bytes, at)) throw new NotPrepared("damaged");
  return { ...found, orientation: found.orientation || xmp || 1, upright: new Blob([...kept, bytes.subarray(at)]) };
}

/** @param {number} marker SOF0 to SOF15; three numbers among them mean something else */
const isFrame = (marker) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/**
 * Whether the file is whole: within the pixels' data these two bytes cannot stand.
 * @param {Uint8Array} bytes
 * @param {number} from
 */
function endsAfter(bytes, from) {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) if (bytes[at + 1] === EOI) return true;
  return false;
}

/**
 * @param {Uint8Array} segment
 * @returns {number} 0 where none is given
 */
function exifOrientation(segment) {
  if (latin(segment.subarray(4, 10)) !== "Exif\0\0") return 0;
  const view = new DataView(segment.buffer, segment.byteOffset + 10, segment.length - 10);
  try {
    const little = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, little);
    for (let entry = 0; entry < view.getUint16(directory, little); entry++) {
      const at = directory + 2 + entry * 12;
      if (view.getUint16(at, little) === ORIENTATION) return view.getUint16(at + 8, little);
    }
  } catch (error) {
    // Past the end: what cannot be read says nothing.
    if (!(error instanceof RangeError)) throw error;
  }
  return 0;
}

/** @param {Uint8Array} segment */
const xmpOrientation = (segment) => Number(/tiff:Orientation(?:="|>)([0-9])/.exec(latin(segment))?.[1] ?? 0);

const decoder = new TextDecoder("latin1");

/** @param {Uint8Array} bytes */
const latin = (bytes) => decoder.decode(bytes);
