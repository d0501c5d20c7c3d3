// @ts-check
/** Prepares a file for the model, with the same pixels as chalicelib/imaging on the server wherever possible. */
import { readDicom } from "../dicom.js";
import { NotPrepared } from "./notprepared.js";
import { decodeJpeg, decodePng, grey } from "./raster.js";
import { resample } from "./resample.js";

/** @import { Source, Task } from "../types.js" */
/** @import { Samples } from "../windowing.js" */
/** @import { Plane } from "./resample.js" */

/** @typedef {Task["input"]} Input */

/**
 * @typedef {object} DecodedImage a decoded image before it is resized to the model input
 * @property {number} width
 * @property {number} height
 * @property {Plane[]} planes one for grey, three for colour
 * @property {number} [aspect] height of a pixel divided by its width; 1 if missing
 * @property {Source} source
 * @property {(small: Plane) => Uint8Array} [toDisplay] converts stored values to grey levels, after the resize
 */

/**
 * @typedef {object} Prepared
 * @property {Uint8Array} pixels channels x height x width
 * @property {[number, number, number, number]} box left, top, width and height of the content; the rest is padding
 * @property {Source} source
 */

/** Limits of the server (chalicelib/imaging/decoded.py). */
const MAX_PIXELS = 100_000_000;
const MIN_SIDE = 8;

/** For ranges that are a smaller share of their largest value, the server computes with 64-bit floats, otherwise with 32 bits. */
const FINE = 2 ** -14;

/**
 * @param {Blob} file
 * @param {string} contentType as detected by `inspect`
 * @param {Input} input
 * @returns {Promise<Prepared>}
 * @throws {NotPrepared} if the pixels cannot be the same as on the server
 */
export async function prepare(file, contentType, input) {
  return fit(await decode(file, contentType, input), input);
}

/**
 * @param {Blob} file
 * @param {string} contentType
 * @param {Input} input
 * @returns {Promise<DecodedImage>}
 */
async function decode(file, contentType, input) {
  if (contentType === "application/dicom") return decodedImageOf(await readDicom(file), input);
  if (contentType === "image/tiff") throw new NotPrepared("tiff");
  const read = { "image/jpeg": decodeJpeg, "image/png": decodePng }[contentType];
  if (!read) throw new NotPrepared("unknown");
  const bytes = new Uint8Array(await file.arrayBuffer());
  try {
    return await read(bytes, input, checkSize);
  } catch (error) {
    // Thrown by browsers for files that they cannot decode.
    if (error instanceof DOMException || error instanceof RangeError) throw new NotPrepared("damaged");
    throw error;
  }
}

/**
 * @param {(Samples & {source: Source}) | null} samples
 * @param {Input} input
 * @returns {DecodedImage}
 */
function decodedImageOf(samples, input) {
  if (!samples) throw new NotPrepared("dicom");
  const { width, height, data, source } = samples;
  checkSize(width, height);
  if (samples.channels === 3) return { width, height, source, planes: planesOf(data, input.channels) };
  const { plane, offset } = unsigned(data);
  return { width, height, source, planes: [plane], toDisplay: (small) => toDisplay(small, offset, samples) };
}

/**
 * @param {ArrayLike<number>} data red, green and blue of each pixel
 * @param {1 | 3} channels
 * @returns {Uint8Array[]}
 */
function planesOf(data, channels) {
  const size = data.length / 3;
  if (channels === 3) return [0, 1, 2].map((channel) => Uint8Array.from({ length: size }, (_, pixel) => data[pixel * 3 + channel]));
  return [Uint8Array.from({ length: size }, (_, pixel) => grey(data[pixel * 3], data[pixel * 3 + 1], data[pixel * 3 + 2]))];
}

/**
 * Pillow resizes unsigned 16-bit values only, and signed 8-bit values as floats only.
 * @param {Samples["data"]} data
 * @returns {{plane: Plane, offset: number}}
 */
function unsigned(data) {
  if (data instanceof Int16Array) return { plane: Uint16Array.from(data, (value) => value + 0x8000), offset: 0x8000 };
  if (data instanceof Int8Array) return { plane: Float32Array.from(data), offset: 0 };
  return { plane: data instanceof Uint16Array ? data : new Uint8Array(data), offset: 0 };
}

/**
 * Rescale, window and polarity: stored values as a viewer shows them (chalicelib/imaging/dicom/grey_levels.py).
 * @param {Plane} small
 * @param {number} offset
 * @param {Samples} samples
 */
function toDisplay(small, offset, { slope, intercept, inverted, window: { low, high } }) {
  const values = Float64Array.from(small, (value) => (value - offset) * slope + intercept);
  const isFine = high - low < FINE * Math.max(Math.abs(low), Math.abs(high));
  const round = isFine ? Number : Math.fround;
  const gain = round(high > low ? 255 / (high - low) : 0);
  const black = round(low);
  return Uint8Array.from(values, (value) => {
    const level = round(round(round(value) - black) * gain);
    const grey = Math.min(Math.max(halfToEven(level), 0), 255);
    return inverted ? 255 - grey : grey;
  });
}

/**
 * Resize, convert to grey levels, then pad, so that padding is black whatever the window.
 * @param {DecodedImage} decoded
 * @param {Input} input
 * @returns {Prepared}
 */
function fit({ width, height, planes, aspect = 1, source, toDisplay }, input) {
  const size = fittedSize(width, height * aspect, input);
  const [left, top] = [Math.floor((input.width - size.width) / 2), Math.floor((input.height - size.height) / 2)];
  const pixels = new Uint8Array(input.channels * input.height * input.width);
  for (let channel = 0; channel < input.channels; channel++) {
    const plane = planes[Math.min(channel, planes.length - 1)];
    const small = resample(plane, { width, height }, size);
    const content = toDisplay ? toDisplay(small) : small;
    for (let row = 0; row < size.height; row++) {
      const line = content.subarray(row * size.width, (row + 1) * size.width);
      pixels.set(line, (channel * input.height + top + row) * input.width + left);
    }
  }
  return { pixels, box: [left, top, size.width, size.height], source };
}

/**
 * @param {number} width
 * @param {number} height in the same unit, corrected for the pixel aspect ratio
 * @param {Input} input
 */
function fittedSize(width, height, input) {
  if (input.fit === "stretch") return { width: input.width, height: input.height };
  const scale = Math.min(input.width / width, input.height / height);
  const side = (/** @type {number} */ from, /** @type {number} */ most) => Math.min(most, Math.max(1, halfToEven(from * scale)));
  return { width: side(width, input.width), height: side(height, input.height) };
}

/**
 * Round half to even, as Python and NumPy do.
 * @param {number} value
 */
function halfToEven(value) {
  const down = Math.floor(value);
  const over = value - down;
  return over > 0.5 || (over === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

/**
 * @param {number} columns
 * @param {number} rows
 */
function checkSize(columns, rows) {
  if (columns * rows > MAX_PIXELS) throw new NotPrepared("tooLarge");
  if (Math.min(columns, rows) < MIN_SIDE) throw new NotPrepared("tooSmall");
}
