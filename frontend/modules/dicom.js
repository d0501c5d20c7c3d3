// @ts-check
/**
 * Reads one frame of an uncompressed little-endian DICOM file, to be shown before the server has answered, or to be
 * classified here. Everything else gives null: then the server's preview is shown. (DICOM PS3.5 section 7, PS3.3 sections C.7.6.3 and C.11.2.)
 */

/** @import { Samples } from "./tone.js" */

const EXPLICIT = "1.2.840.10008.1.2.1";
const IMPLICIT = "1.2.840.10008.1.2";

/** Headers are shorter than this; what is not is left to the server. */
const HEAD_BYTES = 4 * 1024 * 1024;
const UNDEFINED = 0xffffffff;

/** Value representations whose length has four bytes after two that are reserved. */
const LONG = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);

const TAGS = /** @type {const} */ ({
  syntax: 0x00020010, samples: 0x00280002, photometric: 0x00280004, planar: 0x00280006, frames: 0x00280008,
  rows: 0x00280010, columns: 0x00280011, allocated: 0x00280100, stored: 0x00280101, highBit: 0x00280102, signed: 0x00280103,
  centre: 0x00281050, width: 0x00281051, intercept: 0x00281052, slope: 0x00281053,
  padding: 0x00280120, paddingLimit: 0x00280121, curve: 0x00281056, modalityTable: 0x00283000, valueTable: 0x00283010,
  sharedGroups: 0x52009229, frameGroups: 0x52009230, shape: 0x20500020, pixels: 0x7fe00010,
});

/** Where the proportions of a pixel stand: PixelSpacing, ImagerPixelSpacing, NominalScannedPixelSpacing, PixelAspectRatio. */
const PROPORTIONS = [0x00280030, 0x00181164, 0x00182010, 0x00280034];

/**
 * @param {Blob} file
 * @returns {Promise<Samples | null>} the frame that the server reads, too: the middle one
 */
export async function readDicom(file) {
  try {
    const header = readHeader(new DataView(await file.slice(0, HEAD_BYTES).arrayBuffer()));
    return header && (await readFrame(file, header));
  } catch (error) {
    // Past the end: damaged or unusual, which the server says better.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** @typedef {{view: DataView, elements: Map<number, {at: number, length: number, type: string}>}} Header */

/**
 * @param {DataView} view
 * @returns {Header | null} null without a known transfer syntax or before pixels are found
 */
function readHeader(view) {
  /** @type {Header} */
  const header = { view, elements: new Map() };
  // The file's own information comes first and is always explicit (PS3.10 section 7.1).
  let at = 132;
  while (view.getUint16(at, true) === 0x0002) at = readElement(header, at, true);
  const syntax = words(header, TAGS.syntax);
  if (syntax !== EXPLICIT && syntax !== IMPLICIT) return null;
  while (!header.elements.has(TAGS.pixels)) at = readElement(header, at, syntax === EXPLICIT);
  return header;
}

/**
 * @param {Header} header gets the element
 * @param {number} at where it begins
 * @param {boolean} explicit
 * @returns {number} where the next one begins
 */
function readElement({ view, elements }, at, explicit) {
  const tag = view.getUint16(at, true) * 0x10000 + view.getUint16(at + 2, true);
  const type = explicit ? String.fromCharCode(view.getUint8(at + 4), view.getUint8(at + 5)) : "";
  const short = explicit && !LONG.has(type);
  const from = at + (explicit && !short ? 12 : 8);
  const length = short ? view.getUint16(at + 6, true) : view.getUint32(from - 4, true);
  elements.set(tag, { at: from, length, type });
  if (tag === TAGS.pixels) return from;
  // Of unknown type and length is what a sender could not understand: inside, it is implicit (PS3.5 section 6.2.2).
  return length === UNDEFINED ? skipItems(view, from, explicit && type !== "UN") : from + length;
}

/**
 * Pass over a sequence that ends where it says so and not after so many bytes.
 * @param {DataView} view
 * @param {number} at
 * @param {boolean} explicit
 * @returns {number} where the sequence has ended
 */
function skipItems(view, at, explicit) {
  for (;;) {
    const [group, element, length] = [view.getUint16(at, true), view.getUint16(at + 2, true), view.getUint32(at + 4, true)];
    if (group !== 0xfffe) throw new RangeError("no item");
    at += 8;
    if (element === 0xe0dd) return at;
    if (length !== UNDEFINED) {
      at += length;
      continue;
    }
    const inside = { view, elements: new Map() };
    while (view.getUint32(at, true) !== 0xe00dfffe) at = readElement(inside, at, explicit);
    at += 8;
  }
}

/**
 * @param {Header} header
 * @param {number} tag
 * @returns {string} empty where it is missing
 */
function words({ view, elements }, tag) {
  const found = elements.get(tag);
  if (!found) return "";
  const bytes = new Uint8Array(view.buffer, found.at, found.length);
  return String.fromCharCode(...bytes).replace(/[\0 ]+$/, "").trim();
}

/**
 * @param {Header} header
 * @param {number} tag of an unsigned short
 * @param {number} [otherwise]
 */
function short({ view, elements }, tag, otherwise = 0) {
  const found = elements.get(tag);
  return found ? view.getUint16(found.at, true) : otherwise;
}

/**
 * @param {Header} header
 * @param {number} tag of a decimal string; of several values the first counts
 * @param {number} otherwise
 */
function decimal(header, tag, otherwise) {
  const first = words(header, tag).split("\\")[0];
  return first === "" || !Number.isFinite(Number(first)) ? otherwise : Number(first);
}

/**
 * @param {Blob} file
 * @param {Header} header
 * @returns {Promise<Samples | null>}
 */
async function readFrame(file, header) {
  const { elements } = header;
  const [rows, columns, channels] = [short(header, TAGS.rows), short(header, TAGS.columns), short(header, TAGS.samples, 1)];
  const [allocated, stored] = [short(header, TAGS.allocated), short(header, TAGS.stored)];
  const photometric = words(header, TAGS.photometric);
  const grey = channels === 1 && /^MONOCHROME[12]$/.test(photometric) && (allocated === 8 || allocated === 16);
  const colour = channels === 3 && photometric === "RGB" && allocated === 8;
  const pixels = elements.get(TAGS.pixels);
  if (!(grey || colour) || isUnusual(header) || !pixels || pixels.length === UNDEFINED || rows * columns === 0) return null;
  const frames = Math.max(1, decimal(header, TAGS.frames, 1));
  const size = (rows * columns * channels * allocated) / 8;
  const from = pixels.at + Math.floor(frames / 2) * size;
  const bytes = await file.slice(from, from + size).arrayBuffer();
  if (bytes.byteLength < size) return null;
  const size2d = { width: columns, height: rows };
  if (colour) return { ...size2d, channels: 3, data: interleaved(new Uint8Array(bytes), short(header, TAGS.planar)), ...PLAIN };
  const signed = short(header, TAGS.signed) === 1;
  const data = allocated === 8 ? (signed ? new Int8Array(bytes) : new Uint8Array(bytes)) : signed ? new Int16Array(bytes) : new Uint16Array(bytes);
  const isNothing = padding(header, data);
  keepStoredBits(data, stored, signed);
  const [slope, intercept] = [decimal(header, TAGS.slope, 1), decimal(header, TAGS.intercept, 0)];
  const inverted = photometric === "MONOCHROME1";
  const own = ownWindow(header);
  if (!own && hasHotPixels(data, isNothing)) return null;
  if (isNothing) fillPadding(data, isNothing, inverted !== slope < 0);
  return { ...size2d, channels: 1, data, slope, intercept, inverted, window: own ?? wholeRange(data, slope, intercept), windowed: Boolean(own) };
}

/**
 * Whether the grey levels depend on what is not read here.
 * @param {Header} header
 */
const isUnusual = (header) =>
  [TAGS.modalityTable, TAGS.valueTable, TAGS.sharedGroups, TAGS.frameGroups].some((tag) => header.elements.has(tag)) ||
  !["", "LINEAR", "LINEAR_EXACT"].includes(words(header, TAGS.curve)) ||
  words(header, TAGS.shape).toUpperCase() === "INVERSE" ||
  header.elements.has(TAGS.slope) !== header.elements.has(TAGS.intercept) ||
  decimal(header, TAGS.slope, 1) === 0 ||
  hasUnusualWindow(header) ||
  PROPORTIONS.some((tag) => !isSquare(words(header, tag))) ||
  short(header, TAGS.highBit, short(header, TAGS.stored) - 1) !== short(header, TAGS.stored) - 1 ||
  (short(header, TAGS.allocated) === 8 && short(header, TAGS.stored) !== 8);

/**
 * Whether the file has a window other than one whose first values are plain numbers, and wider than 1.
 * @param {Header} header
 */
function hasUnusualWindow(header) {
  if (words(header, TAGS.centre) === "" && words(header, TAGS.width) === "") return false;
  return !(Number.isFinite(decimal(header, TAGS.centre, NaN)) && decimal(header, TAGS.width, NaN) > 1);
}

/**
 * @param {string} proportions height and width, or empty
 * @returns {boolean} whether they are equal but for rounding
 */
function isSquare(proportions) {
  if (proportions === "") return true;
  const [height, width] = proportions.split("\\").map(Number);
  return Math.abs(height / width - 1) <= 0.01;
}

const PLAIN = { slope: 1, intercept: 0, inverted: false, window: { low: 0, high: 255 }, windowed: true };

/** @typedef {Int8Array | Uint8Array | Int16Array | Uint16Array} Values */

/**
 * Old files keep overlays above the bits that count; shifting those out also restores the sign.
 * @param {Values} data is changed
 * @param {number} stored bits that count
 * @param {boolean} signed
 */
function keepStoredBits(data, stored, signed) {
  const surplus = 8 * data.BYTES_PER_ELEMENT - stored;
  for (let index = 0; surplus > 0 && surplus < 16 && index < data.length; index++) {
    data[index] = signed ? (data[index] << (16 + surplus)) >> (16 + surplus) : data[index] & (0xffff >> surplus);
  }
}

/**
 * Which pixels stand for "nothing here" (C.7.5.1.1.2).
 * @param {Header} header
 * @param {Values} data with all its bits: padding may use those that values do not
 * @returns {Uint8Array | null} 1 for each of them; null if none do, or all
 */
function padding(header, data) {
  if (!header.elements.has(TAGS.padding)) return null;
  // One number of the pixels' own kind, so that it gets their sign.
  const kind = /** @type {typeof Int16Array} */ (data.constructor);
  const [value] = kind.of(short(header, TAGS.padding));
  const [limit] = kind.of(short(header, TAGS.paddingLimit, value));
  const [low, high] = [Math.min(value, limit), Math.max(value, limit)];
  const isNothing = Uint8Array.from(data, (one) => Number(one >= low && one <= high));
  return isNothing.includes(1) && isNothing.includes(0) ? isNothing : null;
}

/**
 * Put the value that is shown darkest in place of padding.
 * @param {Values} data is changed
 * @param {Uint8Array} isNothing
 * @param {boolean} falling whether larger values are darker
 */
function fillPadding(data, isNothing, falling) {
  let darkest = NaN;
  for (let index = 0; index < data.length; index++) {
    const value = data[index];
    if (!isNothing[index] && !(falling ? value <= darkest : value >= darkest)) darkest = value;
  }
  for (let index = 0; index < data.length; index++) if (isNothing[index]) data[index] = darkest;
}

/**
 * Whether a few values stand so far apart that the server clips them (chalicelib/imaging/tissue.py).
 * @param {Values} data
 * @param {Uint8Array | null} isNothing
 */
function hasHotPixels(data, isNothing) {
  const real = (isNothing ? data.filter((_, index) => !isNothing[index]) : data.slice()).sort();
  if (real.length < 4 || real.length > 1 << 22) return false;
  const few = Math.max(1, Math.floor(real.length * 1e-4));
  const [low, high] = [real[few], real[real.length - 1 - few]];
  return high > low && (high - low) * 2 <= real[real.length - 1] - real[0];
}

/**
 * The first of the file's own windows that can be used (C.11.2.1.2 and C.11.2.1.3).
 * @param {Header} header
 * @returns {{low: number, high: number} | null}
 */
function ownWindow(header) {
  const [centre, width] = [decimal(header, TAGS.centre, NaN), decimal(header, TAGS.width, NaN)];
  if (!(centre === centre && width > 1)) return null;
  if (words(header, TAGS.curve) === "LINEAR_EXACT") return { low: centre - width / 2, high: centre + width / 2 };
  return { low: centre - 0.5 - (width - 1) / 2, high: centre - 0.5 + (width - 1) / 2 };
}

/**
 * A window that shows everything that is there.
 * @param {ArrayLike<number>} data
 * @param {number} slope
 * @param {number} intercept
 */
function wholeRange(data, slope, intercept) {
  let [low, high] = [Infinity, -Infinity];
  for (let index = 0; index < data.length; index++) {
    if (data[index] < low) low = data[index];
    if (data[index] > high) high = data[index];
  }
  const ends = [low * slope + intercept, high * slope + intercept];
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

/**
 * @param {Uint8Array} data
 * @param {number} planar 1 where each colour stands by itself
 */
function interleaved(data, planar) {
  if (planar !== 1) return data;
  const size = data.length / 3;
  return Uint8Array.from(data, (_, index) => data[(index % 3) * size + Math.floor(index / 3)]);
}
