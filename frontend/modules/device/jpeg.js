// @ts-check
/** Reads the headers of a JPEG file and checks that it is complete (ITU-T T.81, annex B; Exif 2.3, section 4.6). */
import { pixelAspect } from "./aspect.js";
import { isWholeScan, readHuffmanTables } from "./jpegscan.js";
import { NotPrepared } from "./notprepared.js";

/** @import { Component, HuffmanTable } from "./jpegscan.js" */

const SOF0 = 0xc0, SOF1 = 0xc1, SOF15 = 0xcf, DHT = 0xc4, JPG = 0xc8, DAC = 0xcc;
const SOI = 0xd8, EOI = 0xd9, SOS = 0xda, DRI = 0xdd, APP0 = 0xe0, APP1 = 0xe1, APP14 = 0xee, APP15 = 0xef, COM = 0xfe;
const EXIF = "Exif\0\0", XMP = "http://ns.adobe.com/xap/1.0/\0", JFIF = "JFIF\0", ADOBE = "Adobe";
const ORIENTATION = 0x0112, SHORT = 3;
/** Minimum lengths of these segments, with their markers; decoders ignore shorter ones. */
const MIN_JFIF = 18, MIN_ADOBE = 16;
/** Per file, as on the server (chalicelib/imaging/jpeg/segments.py). */
const MAX_SEGMENTS = 10_000;
/** Sampling factors (B.2.2). */
const MAX_SAMPLING = 4;

/** An Adobe segment whose last byte declares the components as RGB, so that decoders convert nothing. */
const NOT_CONVERTED = new Uint8Array([0xff, APP14, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0]);

/**
 * @typedef {object} Jpeg
 * @property {number} columns as stored, before rotation
 * @property {number} rows
 * @property {number} orientation Exif's: 1 to 8
 * @property {number} aspect height of a stored pixel divided by its width
 * @property {Blob} plain the file without the segments that would make a browser rotate it (done here, after the
 *   reduction) or apply colour management
 * @property {Blob | null} luma the same, with luma decoded as the red channel; null if the file has no luma
 */

/**
 * @param {Uint8Array<ArrayBuffer>} bytes the whole file
 * @returns {Jpeg}
 * @throws {NotPrepared} if a browser may decode other pixels than the server
 */
export function readJpeg(bytes) {
  const header = readHeader(bytes);
  const { frame, tables, scan } = header;
  if (!frame) throw new NotPrepared("damaged");
  const from = scan + 2 + length(bytes, scan);
  const components = scanComponents(bytes.subarray(scan, from), frame, tables);
  if (!isWholeScan(bytes, from, { ...frame, restartInterval: header.restartInterval }, components)) throw new NotPrepared("damaged");
  const body = [...header.kept, bytes.subarray(scan)];
  return {
    columns: frame.columns,
    rows: frame.rows,
    orientation: orientationOf(header.exif, header.xmp),
    aspect: header.aspect,
    plain: new Blob([bytes.subarray(0, 2), ...header.colour, ...body]),
    luma: isYcc(header.colour, frame) ? new Blob([bytes.subarray(0, 2), NOT_CONVERTED, ...body]) : null,
  };
}

/** @typedef {{columns: number, rows: number, components: {id: number, across: number, down: number}[]}} Frame */

/**
 * @typedef {object} Header everything before the scan
 * @property {Frame | null} frame
 * @property {Map<number, HuffmanTable>} tables
 * @property {number} restartInterval
 * @property {number} aspect
 * @property {Uint8Array<ArrayBuffer>[]} colour segments that define the colour space (JFIF, Adobe)
 * @property {Uint8Array<ArrayBuffer>[]} kept segments needed for decoding
 * @property {Uint8Array[]} exif
 * @property {Uint8Array[]} xmp
 * @property {number} scan offset of its header
 */

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Header}
 */
function readHeader(bytes) {
  /** @type {Header} */
  const header = { frame: null, tables: new Map(), restartInterval: 0, aspect: 1, colour: [], kept: [], exif: [], xmp: [], scan: 2 };
  // The scan and the end of the image count as segments.
  for (let segments = 2; segments < MAX_SEGMENTS; ) {
    const at = header.scan;
    const marker = bytes[at + 1];
    if (at + 4 > bytes.length || bytes[at] !== 0xff || marker === SOI || marker === EOI) throw new NotPrepared("damaged");
    if (marker === SOS) return header;
    if (marker === 0xff) {
      header.scan++;
      continue;
    }
    const segment = bytes.subarray(at, at + 2 + length(bytes, at));
    readSegment(header, marker, segment);
    header.scan += segment.length;
    segments++;
  }
  throw new NotPrepared("unusualJpeg");
}

/**
 * @param {Header} header
 * @param {number} marker
 * @param {Uint8Array<ArrayBuffer>} segment with its marker
 */
function readSegment(header, marker, segment) {
  if (isJfif(segment) || isAdobe(segment)) header.colour.push(segment);
  else if (marker === APP1 && startsWith(segment, EXIF)) header.exif.push(segment);
  else if (marker === APP1 && startsWith(segment, XMP)) header.xmp.push(segment);
  else if ((marker < APP0 || marker > APP15) && marker !== COM) header.kept.push(segment);
  if (isJfif(segment)) header.aspect = pixelAspect(segment[12] * 256 + segment[13], segment[14] * 256 + segment[15]);
  if (marker === DHT) readHuffmanTables(segment.subarray(4), header.tables);
  if (marker === DRI) header.restartInterval = segment[4] * 256 + segment[5];
  if (isFrame(marker)) {
    // Progressive files are rare in medicine, and checking that they are complete takes much more code.
    if (header.frame || (marker !== SOF0 && marker !== SOF1) || segment[4] !== 8) throw new NotPrepared("unusualJpeg");
    header.frame = readFrame(segment);
  }
}

/** @param {number} marker SOF0 to SOF15, except three other markers in that range */
const isFrame = (marker) => marker >= SOF0 && marker <= SOF15 && ![DHT, JPG, DAC].includes(marker);

/**
 * @param {Uint8Array} segment SOF
 * @returns {Frame}
 */
function readFrame(segment) {
  const [rows, columns, many] = [segment[5] * 256 + segment[6], segment[7] * 256 + segment[8], segment[9]];
  if (rows * columns === 0 || ![1, 3].includes(many) || segment.length !== 10 + 3 * many) throw new NotPrepared("unusualJpeg");
  const components = Array.from({ length: many }, (_, index) => {
    const [id, sampling] = segment.subarray(10 + 3 * index);
    return { id, across: sampling >> 4, down: sampling & 15 };
  });
  const isValid = components.every(({ across, down }) => across >= 1 && across <= MAX_SAMPLING && down >= 1 && down <= MAX_SAMPLING);
  if (!isValid || new Set(components.map(({ id }) => id)).size !== many) throw new NotPrepared("unusualJpeg");
  return { rows, columns, components };
}

/**
 * @param {Uint8Array} scan its header
 * @param {Frame} frame
 * @param {Map<number, HuffmanTable>} tables
 * @returns {Component[]}
 */
function scanComponents(scan, { components }, tables) {
  // One scan for all components, as written by almost every encoder.
  if (scan[4] !== components.length || scan.length !== 8 + 2 * components.length) throw new NotPrepared("unusualJpeg");
  return components.map(({ id, across, down }, index) => {
    const [selected, choice] = scan.subarray(5 + 2 * index);
    if (selected !== id) throw new NotPrepared("unusualJpeg");
    return { across, down, dc: tables.get(choice >> 4), ac: tables.get(0x10 | (choice & 15)) };
  });
}

/**
 * Whether the components are luma and two colour differences, by the rules of decoders (libjpeg-turbo, jdapimin.c).
 * @param {Uint8Array[]} segments JFIF and Adobe
 * @param {Frame} frame
 */
function isYcc(segments, { components }) {
  if (components.length !== 3) return false;
  if (segments.some(isJfif)) return true;
  const adobe = segments.filter(isAdobe).at(-1);
  if (adobe) return adobe[15] !== 0;
  return String.fromCharCode(...components.map(({ id }) => id)) !== "RGB";
}

/** @param {Uint8Array} segment */
const isJfif = (segment) => segment[1] === APP0 && segment.length >= MIN_JFIF && startsWith(segment, JFIF);

/** @param {Uint8Array} segment */
const isAdobe = (segment) => segment[1] === APP14 && segment.length >= MIN_ADOBE && startsWith(segment, ADOBE);

/**
 * @param {Uint8Array} bytes
 * @param {number} at offset of a segment
 * @returns {number} its length, without the marker
 */
const length = (bytes, at) => bytes[at + 2] * 256 + bytes[at + 3];

/**
 * @param {Uint8Array[]} exif
 * @param {Uint8Array[]} xmp
 * @returns {number} 1 to 8
 * @throws {NotPrepared} if there are several, since decoders differ in which one they use
 */
function orientationOf(exif, xmp) {
  const found = [...exif.map(exifOrientation), ...xmp.map(xmpOrientation)].filter((one) => one !== 0);
  if (exif.length > 1 || xmp.length > 1 || found.length > 1 || found.some((one) => !(one >= 1 && one <= 8))) throw new NotPrepared("unusualJpeg");
  return found[0] ?? 1;
}

/**
 * @param {Uint8Array} segment
 * @returns {number} 0 if missing, NaN if invalid
 */
function exifOrientation(segment) {
  const view = new DataView(segment.buffer, segment.byteOffset + 10, segment.length - 10);
  try {
    const little = view.getUint16(0) === 0x4949;
    if ((!little && view.getUint16(0) !== 0x4d4d) || view.getUint16(2, little) !== 42) return NaN;
    const directory = view.getUint32(4, little);
    const entries = Array.from({ length: view.getUint16(directory, little) }, (_, entry) => directory + 2 + entry * 12);
    const [at, another] = entries.filter((at) => view.getUint16(at, little) === ORIENTATION);
    if (at === undefined) return 0;
    const isPlain = another === undefined && view.getUint16(at + 2, little) === SHORT && view.getUint32(at + 4, little) === 1;
    return isPlain ? view.getUint16(at + 8, little) || NaN : NaN;
  } catch (error) {
    if (error instanceof RangeError) return NaN;
    throw error;
  }
}

/** @param {Uint8Array} segment */
const xmpOrientation = (segment) => Number(/tiff:Orientation(?:="|>)([0-9])/.exec(latin(segment))?.[1] ?? 0);

const decoder = new TextDecoder("latin1");

/** @param {Uint8Array} bytes */
const latin = (bytes) => decoder.decode(bytes);

/**
 * @param {Uint8Array} segment with its marker
 * @param {string} name at the start of its content
 */
const startsWith = (segment, name) => latin(segment.subarray(4, 4 + name.length)) === name;
