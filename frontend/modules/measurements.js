// @ts-check
/** Lengths and regions in an image: their size, and the values inside. */

/** @import { Place } from "./pane.js" */
/** @import { Samples } from "./windowing.js" */

/** @typedef {"length" | "rectangle" | "ellipse"} Kind */

/**
 * Two places in pixels of the shown image: the ends of a length, or opposite corners of a region.
 * @typedef {object} Measurement
 * @property {Kind} kind
 * @property {Place} from
 * @property {Place} to
 */

/**
 * What a pixel of the shown image stands for. A reduced copy has larger pixels than the original.
 * @typedef {object} Scale
 * @property {number} across original pixels per shown pixel
 * @property {number} down original pixels per shown pixel
 * @property {[number, number] | null} spacing of the original's rows and columns in millimetres
 */

/** @typedef {{mean: number, deviation: number, least: number, most: number}} Statistics in rescaled values */

/**
 * @param {Measurement} measurement
 * @param {Scale} scale
 * @returns {{pixels: number, millimetres: number | null}}
 */
export function lengthOf({ from, to }, { across, down, spacing }) {
  const [right, below] = [(to.x - from.x) * across, (to.y - from.y) * down];
  return {
    pixels: Math.hypot(right, below),
    millimetres: spacing && Math.hypot(right * spacing[1], below * spacing[0]),
  };
}

/**
 * @param {Measurement} measurement a region
 * @param {Samples} samples
 * @param {Scale} scale
 * @returns {{channels: Statistics[], pixels: number, squareMillimetres: number | null} | null} of the pixels whose centre is inside;
 *   null if there is none. The channels of a grey region are one.
 */
export function regionOf(measurement, samples, { across, down, spacing }) {
  const { data, channels } = samples;
  const sums = Array.from({ length: channels }, () => ({ sum: 0, squares: 0, least: Infinity, most: -Infinity }));
  let [inside, isGrey] = [0, true];
  visitPixels(measurement, samples, (at) => {
    inside++;
    for (let channel = 0; channel < channels; channel++) {
      const value = data[at + channel];
      isGrey &&= value === data[at];
      const so = sums[channel];
      so.sum += value;
      so.squares += value * value;
      so.least = Math.min(so.least, value);
      so.most = Math.max(so.most, value);
    }
  });
  if (inside === 0) return null;
  const pixels = inside * across * down;
  return {
    channels: sums.slice(0, isGrey ? 1 : channels).map((so) => statistics(so, inside, samples)),
    pixels,
    squareMillimetres: spacing && pixels * spacing[0] * spacing[1],
  };
}

/**
 * Stored values are integers of at most 16 bits, so that their sums of squares are exact.
 * @param {{sum: number, squares: number, least: number, most: number}} sums of stored values
 * @param {number} inside
 * @param {Samples} samples
 * @returns {Statistics}
 */
function statistics({ sum, squares, least, most }, inside, { slope, intercept }) {
  const mean = sum / inside;
  const ends = [least * slope + intercept, most * slope + intercept];
  return {
    mean: mean * slope + intercept,
    deviation: Math.abs(slope) * Math.sqrt(Math.max(0, squares / inside - mean * mean)),
    least: Math.min(...ends),
    most: Math.max(...ends),
  };
}

/**
 * @param {Measurement} measurement
 * @param {Samples} samples
 * @param {(at: number) => void} visit called with the index of each pixel's first value
 */
function visitPixels({ kind, from, to }, { width, height, channels }, visit) {
  const [left, right] = [Math.min(from.x, to.x), Math.max(from.x, to.x)];
  const [top, bottom] = [Math.min(from.y, to.y), Math.max(from.y, to.y)];
  const [x, y, radiusX, radiusY] = [(left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2];
  for (let row = Math.max(0, Math.floor(top)); row < Math.min(height, bottom); row++) {
    for (let column = Math.max(0, Math.floor(left)); column < Math.min(width, right); column++) {
      const [dx, dy] = [(column + 0.5 - x) / radiusX, (row + 0.5 - y) / radiusY];
      if (kind === "ellipse" ? dx * dx + dy * dy <= 1 : Math.abs(dx) <= 1 && Math.abs(dy) <= 1) visit((row * width + column) * channels);
    }
  }
}
