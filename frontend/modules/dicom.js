// @ts-check
/**
 * Reads one frame of an uncompressed little-endian DICOM file, to show it before the server has answered or to classify it
 * on this device. Returns null for any other file; the server reads those. (DICOM PS3.3 sections C.7.6.3 and C.11.2.)
 */
import { readHeader } from "./dicomheader.js";
import { sourceOf } from "./dicomsource.js";
import { hasUnusualWindow, isUsable, windowsOf } from "./dicomwindows.js";

/** @import { Header } from "./dicomheader.js" */
/** @import { Source } from "./types.js" */
/** @import { Samples, Window } from "./windowing.js" */

/** @typedef {Samples & {source: Source, windows: (Window & {name: string | null})[]}} DicomFrame */

/** Longest header that is read; files with longer ones are left to the server. */
const HEAD_BYTES = 4 * 1024 * 1024;

/** Required elements: guessing a sign or polarity could change the image. */
const REQUIRED = /** @type {const} */ (["rows", "columns", "samples", "photometric", "allocated", "stored", "signed"]);

/** The server treats a smaller slope as one that was never set. */
const MIN_SLOPE = 1e-30;

/** Elements that give the aspect ratio of a pixel. */
const PROPORTIONS = /** @type {const} */ (["spacing", "imagerSpacing", "scannedSpacing", "aspectRatio"]);

/**
 * @param {Blob} file with preamble
 * @param {number} [number] of the frame, from 1; the middle one by default, which the server reads as well
 * @returns {Promise<DicomFrame | null>}
 */
export async function readDicom(file, number) {
  const header = readHeader(await file.slice(0, HEAD_BYTES).arrayBuffer());
  return header && !isUnusual(header) ? readFrame(file, header, number) : null;
}

/**
 * @param {Blob} file
 * @param {Header} header
 * @param {number | undefined} number
 * @returns {Promise<DicomFrame | null>}
 */
async function readFrame(file, header, number) {
  const [rows, columns, channels] = [header.short("rows", 0), header.short("columns", 0), header.short("samples", 0)];
  const [allocated, stored, signed] = [header.short("allocated", 0), header.short("stored", 0), header.short("signed", 0) === 1];
  const photometric = header.text("photometric");
  const frames = header.decimal("frames", 1);
  const size = (rows * columns * channels * allocated) / 8;
  const { at, length } = header.pixels;
  if (size * frames > Math.min(length, file.size - at)) return null;
  const from = at + (number ? number - 1 : Math.floor(frames / 2)) * size;
  const bytes = await file.slice(from, from + size).arrayBuffer();
  const windows = windowsOf(header);
  const frame = { width: columns, height: rows, source: sourceOf(header, frames), windows };
  if (channels === 3) return { ...frame, channels: /** @type {3} */ (3), data: interleaved(new Uint8Array(bytes), header.short("planar", 0)), ...PLAIN };
  const data = allocated === 8 ? (signed ? new Int8Array(bytes) : new Uint8Array(bytes)) : signed ? new Int16Array(bytes) : new Uint16Array(bytes);
  const isPadding = findPadding(header, data, stored, signed);
  keepStoredBits(data, stored, signed);
  const [slope, intercept] = [header.decimal("slope", 1), header.decimal("intercept", 0)];
  const inverted = photometric === "MONOCHROME1";
  const [own] = windows;
  // Other frames are not prepared for a model, and get the window of the first that was shown.
  if (!own && !number && hasHotPixels(data, isPadding)) return null;
  if (isPadding) fillPadding(data, isPadding, inverted !== slope < 0);
  const window = own ?? wholeRange(data, slope, intercept);
  return { ...frame, channels: /** @type {1} */ (1), data, slope, intercept, inverted, window };
}

/**
 * Whether pixels or grey levels depend on elements that are not read here.
 * @param {Header} header
 */
const isUnusual = (header) =>
  REQUIRED.some((name) => !header.has(name)) ||
  hasUnusualSamples(header) ||
  !["", "LINEAR", "LINEAR_EXACT"].includes(header.texts("curve").join("\\")) ||
  header.text("shape").toUpperCase() === "INVERSE" ||
  !(Number.isInteger(header.decimal("frames", 1)) && header.decimal("frames", 1) >= 1 && header.texts("frames").length === 1) ||
  !isUsable(header.decimal("slope", 1)) ||
  !isUsable(header.decimal("intercept", 0)) ||
  Math.abs(header.decimal("slope", 1)) <= MIN_SLOPE ||
  hasUnusualWindow(header) ||
  PROPORTIONS.some((name) => !isSquare(header, name));

/**
 * Whether samples are anything but 8- or 16-bit grey or 8-bit colour, with the values in the lowest bits.
 * @param {Header} header
 */
function hasUnusualSamples(header) {
  const [channels, allocated, stored] = [header.short("samples", 0), header.short("allocated", 0), header.short("stored", 0)];
  const photometric = header.texts("photometric").join("\\");
  const isGrey = channels === 1 && /^MONOCHROME[12]$/.test(photometric) && (allocated === 8 || allocated === 16);
  const isColour = channels === 3 && photometric === "RGB" && allocated === 8 && header.short("signed", 0) !== 1;
  const isLow = header.short("highBit", stored - 1) === stored - 1 && stored >= 1 && stored <= allocated;
  return !(isGrey || isColour) || !isLow || (allocated === 8 && stored !== 8) || header.short("rows", 0) * header.short("columns", 0) === 0;
}

/**
 * @param {Header} header
 * @param {typeof PROPORTIONS[number]} name
 * @returns {boolean} whether height and width are missing, or equal except for rounding
 */
function isSquare(header, name) {
  const [height, width] = header.decimals(name);
  return header.texts(name).join("") === "" || Math.abs(height / width - 1) <= 0.01;
}

const PLAIN = { slope: 1, intercept: 0, inverted: false, window: { low: 0, high: 255 } };

/** @typedef {Int8Array | Uint8Array | Int16Array | Uint16Array} Values */

/**
 * Remove what old files store above the value, such as overlays, and restore the sign.
 * @param {Values} data changed in place
 * @param {number} stored bits per value
 * @param {boolean} signed
 */
function keepStoredBits(data, stored, signed) {
  const surplus = 8 * data.BYTES_PER_ELEMENT - stored;
  for (let index = 0; surplus > 0 && surplus < 16 && index < data.length; index++) {
    data[index] = signed ? (data[index] << (16 + surplus)) >> (16 + surplus) : data[index] & (0xffff >> surplus);
  }
}

/**
 * Find the pixels that hold no image, as on the server (chalicelib/imaging/dicom/tissue.py; C.7.5.1.1.2).
 * @param {Header} header
 * @param {Values} data with all its bits, since padding may use those that values do not; gets a missing sign
 * @param {number} stored bits per value
 * @param {boolean} signed
 * @returns {Uint8Array | null} 1 for each padding pixel; null if there is none, or nothing else
 */
function findPadding(header, data, stored, signed) {
  if (!header.has("padding")) return null;
  const value = header.short("padding", 0);
  // Of the pixels' own type, so that a value written as unsigned gets their sign.
  const ends = /** @type {typeof Int16Array} */ (data.constructor).of(value, header.short("paddingLimit", value));
  if (signed && lacksSignExtension(data, stored)) {
    keepStoredBits(data, stored, signed);
    const extended = ends.slice();
    keepStoredBits(extended, stored, signed);
    ends.forEach((end, index) => (ends[index] = end >> stored === 0 ? extended[index] : end));
  }
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const isPadding = Uint8Array.from(data, (one) => Number(one >= low && one <= high));
  return isPadding.includes(1) && isPadding.includes(0) ? isPadding : null;
}

/**
 * Some writers leave all bits above those of signed values at zero.
 * @param {Values} data
 * @param {number} stored bits per value
 */
const lacksSignExtension = (data, stored) => stored < 8 * data.BYTES_PER_ELEMENT && data.every((value) => value >> stored === 0);

/**
 * Replace padding with the value that is shown darkest.
 * @param {Values} data changed in place
 * @param {Uint8Array} isPadding
 * @param {boolean} falling whether larger values are darker
 */
function fillPadding(data, isPadding, falling) {
  let darkest = NaN;
  for (let index = 0; index < data.length; index++) {
    const value = data[index];
    if (!isPadding[index] && !(falling ? value <= darkest : value >= darkest)) darkest = value;
  }
  for (let index = 0; index < data.length; index++) if (isPadding[index]) data[index] = darkest;
}

/**
 * Whether a few values are so far from the others that the server clips them (chalicelib/imaging/dicom/tissue.py).
 * @param {Values} data
 * @param {Uint8Array | null} isPadding
 */
function hasHotPixels(data, isPadding) {
  const counts = new Uint32Array(0x18000);
  let real = 0;
  for (let index = 0; index < data.length; index++) {
    if (isPadding?.[index]) continue;
    counts[data[index] + 0x8000]++;
    real++;
  }
  if (real < 4) return false;
  const few = Math.max(1, Math.floor(real * 1e-4));
  const [lowest, low, high, highest] = [0, few, real - 1 - few, real - 1].map((rank) => valueAt(counts, rank));
  return high > low && (high - low) * 2 <= highest - lowest;
}

/**
 * @param {Uint32Array} counts of values, by the value + 0x8000
 * @param {number} rank from 0
 * @returns {number} the value that would have this place if all were sorted
 */
function valueAt(counts, rank) {
  let value = 0;
  for (let below = counts[0]; below <= rank; below += counts[value]) value++;
  return value - 0x8000;
}

/**
 * The window that covers the whole range of values.
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
 * @param {number} planar 1 if the colours are stored as separate planes
 */
function interleaved(data, planar) {
  if (planar !== 1) return data;
  const size = data.length / 3;
  return Uint8Array.from(data, (_, index) => data[(index % 3) * size + Math.floor(index / 3)]);
}
