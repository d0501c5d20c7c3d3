// @ts-check
/**
 * Pillow 13's bilinear resize with identical results (libImaging/Resample.c): a triangle filter as wide as the step between
 * new pixels. Canvas scaling is not used, because its filters differ between browsers.
 */

/** @typedef {Uint8Array | Uint16Array | Float32Array} Plane one channel, row-major */

/** Fractional bits of the weights for 8-bit pixels. */
const PRECISION = 22;

/**
 * @template {Plane} Kind
 * @param {Kind} plane
 * @param {{width: number, height: number}} from its size
 * @param {{width: number, height: number}} to the new size
 * @param {[number, number, number, number]} [box] left, top, right and bottom of the part to resize; the whole plane by default
 * @returns {Kind} a new plane of the same type, rounded as Pillow does; `plane` itself if nothing changes
 */
export function resample(plane, from, to, box = [0, 0, from.width, from.height]) {
  const [left, top, right, bottom] = box.map(Math.fround);
  const across = to.width !== from.width || left !== 0 || right !== from.width;
  const down = to.height !== from.height || top !== 0 || bottom !== from.height;
  const widen = (/** @type {Kind} */ plane, /** @type {number} */ height) =>
    across ? pass(plane, taps(from.width, left, right, to.width), height, 1, from.width) : plane;
  const heighten = (/** @type {Kind} */ plane, /** @type {number} */ width) =>
    down ? pass(plane, taps(from.height, top, bottom, to.height), width, width, 1) : plane;
  // The order determines the rounding of intermediate values.
  const downFirst = to.height < from.height && from.height - to.height > 2 * (from.width - to.width);
  return downFirst ? widen(heighten(plane, from.width), to.height) : heighten(widen(plane, from.height), to.width);
}

/**
 * @typedef {object} Taps the source pixels and weights for each new pixel of a line
 * @property {Int32Array} first
 * @property {Int32Array} count
 * @property {Float64Array} weights `most` for each new pixel, of which `count` are used
 * @property {number} most
 */

/**
 * @param {number} length of the old line
 * @param {number} from start of the part to resize
 * @param {number} to end of that part
 * @param {number} wanted length of the new line
 * @returns {Taps}
 */
function taps(length, from, to, wanted) {
  const scale = Math.fround(to - from) / wanted;
  const reach = Math.max(scale, 1);
  const most = Math.ceil(reach) * 2 + 1;
  const made = { first: new Int32Array(wanted), count: new Int32Array(wanted), weights: new Float64Array(wanted * most), most };
  for (let pixel = 0; pixel < wanted; pixel++) {
    const centre = from + (pixel + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const count = Math.min(length, Math.trunc(centre + reach + 0.5)) - first;
    let sum = 0;
    for (let tap = 0; tap < count; tap++) {
      const weight = Math.max(0, 1 - Math.abs((tap + first - centre + 0.5) * (1 / reach)));
      made.weights[pixel * most + tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < count && sum !== 0; tap++) made.weights[pixel * most + tap] /= sum;
    made.first[pixel] = first;
    made.count[pixel] = count;
  }
  return made;
}

/**
 * Resample all lines in one direction.
 * @template {Plane} Kind
 * @param {Kind} plane
 * @param {Taps} taps
 * @param {number} lines number of lines
 * @param {number} step offset between source pixels of a line
 * @param {number} next offset between source lines
 * @returns {Kind}
 */
function pass(plane, { first, count, weights, most }, lines, step, next) {
  const wanted = first.length;
  const made = /** @type {Kind} */ (new /** @type {any} */ (plane).constructor(wanted * lines));
  const [newNext, newStep] = step === 1 ? [wanted, 1] : [1, lines];
  const is8Bit = plane instanceof Uint8Array;
  const is16Bit = plane instanceof Uint16Array;
  // Pillow uses integer weights for 8-bit pixels.
  const mixed = is8Bit ? weights.map((weight) => Math.trunc(weight * 2 ** PRECISION + 0.5)) : weights;
  for (let pixel = 0; pixel < wanted; pixel++) {
    const many = count[pixel];
    const tap = pixel * most;
    for (let line = 0; line < lines; line++) {
      let at = line * next + first[pixel] * step;
      let sum = is8Bit ? 2 ** (PRECISION - 1) : 0;
      for (let index = 0; index < many; index++, at += step) sum += plane[at] * mixed[tap + index];
      // Weights are never negative and add up to one, so nothing leaves the range.
      made[line * newNext + pixel * newStep] = is8Bit ? sum >> PRECISION : is16Bit ? Math.floor(sum + 0.5) : sum;
    }
  }
  return made;
}
