// @ts-check
/** An image with its display window (width and level) and inversion, as on a viewing workstation. */

/** @import { Source } from "./types.js" */

/** Longest side of the reduced copy that is shown while the window is being changed. */
const COARSE_SIDE = 1024;

/** Entries of a lookup table for all 16-bit values. */
const LEVELS = 65536;

/** @typedef {{low: number, high: number}} Window the values shown as black and white */

/**
 * Stored values, and how to display them.
 * @typedef {object} Samples
 * @property {number} width
 * @property {number} height
 * @property {1 | 3} channels
 * @property {Uint8Array | Int8Array | Uint16Array | Int16Array | Uint8ClampedArray} data row by row, channels side by side
 * @property {number} slope rescale slope
 * @property {number} intercept rescale intercept
 * @property {boolean} inverted whether small values are bright (MONOCHROME1)
 * @property {Window} window initial window, in rescaled values
 * @property {Source} [source] facts of the file
 */

export class WindowedImage {
  /** @param {{bitmap: ImageBitmap} | {samples: Samples}} image */
  constructor(image) {
    this.bitmap = "bitmap" in image ? image.bitmap : null;
    this.samples = "samples" in image ? image.samples : null;
    const { width, height } = this.bitmap ?? /** @type {Samples} */ (this.samples);
    this.size = { width, height };
    /** @type {Samples | null} */
    this.coarse = null;
    this.first = this.samples?.window ?? { low: 0, high: 255 };
    this.window = { ...this.first };
    this.inverted = false;
    /** @type {{key: string, canvas: HTMLCanvasElement} | null} */
    this.painted = null;
  }

  /** Restore the initial window. */
  reset() {
    this.window = { ...this.first };
    this.inverted = false;
  }

  /** Whether the window is another than at first. */
  get isWindowed() {
    return this.window.low !== this.first.low || this.window.high !== this.first.high;
  }

  get changed() {
    return this.inverted || this.isWindowed;
  }

  /**
   * @param {number} brighter increase in brightness as a share of the initial window width
   * @param {number} wider increase in window width as a share of the initial one
   */
  adjust(brighter, wider) {
    const first = this.first.high - this.first.low || 1;
    const width = Math.min(Math.max(this.window.high - this.window.low + wider * first, first / 100), first * 8);
    const sign = this.samples?.inverted ? -1 : 1;
    const centre = (this.window.high + this.window.low) / 2 - sign * brighter * first;
    const kept = Math.min(Math.max(centre, this.first.low - first), this.first.high + first);
    this.window = { low: kept - width / 2, high: kept + width / 2 };
  }

  /**
   * The picture to draw.
   * @param {boolean} coarse whether to use the reduced copy, for speed
   * @returns {ImageBitmap | HTMLCanvasElement}
   */
  source(coarse) {
    if (this.bitmap && !this.changed) return this.bitmap;
    const key = JSON.stringify([this.window, this.inverted, coarse]);
    if (this.painted?.key !== key) this.painted = { key, canvas: this.paint(coarse) };
    return this.painted.canvas;
  }

  /** All stored values. */
  get values() {
    return (this.samples ??= samplesOf(/** @type {ImageBitmap} */ (this.bitmap)));
  }

  /**
   * @param {{x: number, y: number}} place in pixels
   * @returns {number[] | null} the rescaled value, or red, green and blue; null outside the image
   */
  valuesAt({ x, y }) {
    const [column, row] = [Math.floor(x), Math.floor(y)];
    if (column < 0 || row < 0 || column >= this.size.width || row >= this.size.height) return null;
    // To read all pixels of a large bitmap takes a second.
    const { data, width, channels, slope, intercept } = this.samples ?? samplesOf(/** @type {ImageBitmap} */ (this.bitmap), { x: column, y: row });
    const from = this.samples ? (row * width + column) * channels : 0;
    const values = [...data.subarray(from, from + channels)].map((value) => value * slope + intercept);
    return values.every((value) => value === values[0]) ? [values[0]] : values;
  }

  /** @param {boolean} coarse */
  paint(coarse) {
    if (coarse) this.coarse ??= reduced(this.values);
    return renderWindow((coarse && this.coarse) || this.values, this.window, this.inverted);
  }

  /**
   * Show another image of the same kind, such as another frame, with the window as it is.
   * @param {WindowedImage} image
   */
  replace({ bitmap, samples, size }) {
    Object.assign(this, { bitmap, samples, size });
    this.coarse = this.painted = null;
  }

  close() {
    this.bitmap?.close();
  }
}

/**
 * @param {ImageBitmap} bitmap
 * @param {{x: number, y: number}} [only] the one pixel to read
 * @returns {Samples}
 */
function samplesOf(bitmap, only) {
  const canvas = only ? new OffscreenCanvas(1, 1) : new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.drawImage(bitmap, -(only?.x ?? 0), -(only?.y ?? 0));
  const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) colours[pixel * 3 + channel] = data[pixel * 4 + channel];
  }
  return { width, height, channels: 3, data: colours, slope: 1, intercept: 0, inverted: false, window: { low: 0, high: 255 } };
}

/**
 * A reduced copy: every n-th pixel of every n-th row.
 * @param {Samples} samples
 * @returns {Samples}
 */
function reduced(samples) {
  const step = Math.ceil(Math.max(samples.width, samples.height) / COARSE_SIDE);
  if (step === 1) return samples;
  const [width, height] = [Math.ceil(samples.width / step), Math.ceil(samples.height / step)];
  const { channels, data } = samples;
  const few = data.slice(0, width * height * channels);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * step * samples.width + x * step) * channels;
      for (let channel = 0; channel < channels; channel++) few[at++] = data[from + channel];
    }
  }
  return { ...samples, width, height, data: few };
}

/**
 * @param {Samples} samples
 * @param {Window} window
 * @param {boolean} inverted
 * @returns {HTMLCanvasElement}
 */
function renderWindow({ width, height, channels, data, slope, intercept, inverted: stored }, { low, high }, inverted) {
  const table = new Uint8ClampedArray(LEVELS);
  const gain = 255 / (high - low || 1);
  const signed = data instanceof Int16Array || data instanceof Int8Array;
  for (let level = 0; level < LEVELS; level++) {
    const value = signed && level >= LEVELS / 2 ? level - LEVELS : level;
    const grey = (value * slope + intercept - low) * gain;
    table[level] = stored === inverted ? grey : 255 - Math.min(Math.max(grey, 0), 255);
  }
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const pixels = new ImageData(width, height);
  const out = new Uint32Array(pixels.data.buffer);
  // ABGR: all platforms with a browser are little-endian.
  for (let pixel = 0; pixel < out.length; pixel++) {
    const from = pixel * channels;
    const red = table[data[from] & 0xffff];
    const green = channels === 3 ? table[data[from + 1]] : red;
    const blue = channels === 3 ? table[data[from + 2]] : red;
    out[pixel] = (255 << 24) | (blue << 16) | (green << 8) | red;
  }
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return canvas;
}
