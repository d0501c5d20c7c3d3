// @ts-check
/**
 * Pillow 13's bilinear resize, number for number (libImaging/Resample.c): a triangle as wide as the step from one new
 * pixel to the next, across and down. Canvases scale by filters of their own, each browser by another one.
 */

/** @typedef {Uint8Array | Uint16Array | Float32Array} Plane one channel, row by row */

/** Bits of a weight's fraction where pixels have 8 bits. */
const PRECISION = 22;

/**
 * @template {Plane} Kind
 * @param {Kind} plane
 * @param {{width: number, height: number}} from its size
 * @param {{width: number, height: number}} to the size wanted
 * @param {[number, number, number, number]} [box] left, top, right and bottom of the part to take; all of it if not given
 * @returns {Kind} new, of the same kind, rounded as Pillow rounds it; `plane` itself where nothing changes
 */
export function resample(plane, from, to, box = [0, 0, from.width, from.height]) {
  const [left, top, right, bottom] = box.map(Math.fround);
  const across = to.width !== from.width || left !== 0 || right !== from.width;
  const down = to.height !== from.height || top !== 0 || bottom !== from.height;
  const widen = (/** @type {Kind} */ plane, /** @type {number} */ height) =>
    across ? pass(plane, taps(from.width, left, right, to.width), height, 1, from.width) : plane;
  const heighten = (/** @type {Kind} */ plane, /** @type {number} */ width) =>
    down ? pass(plane, taps(from.height, top, bottom, to.height), width, width, 1) : plane;
  // The order decides how what lies between is rounded.
  const downFirst = to.height < from.height && from.height - to.height > 2 * (from.width - to.width);
  return downFirst ? widen(heighten(plane, from.width), to.height) : heighten(widen(plane, from.height), to.width);
}

/**
 * @typedef {object} Taps for each new pixel of a line, the old ones it is mixed from
 * @property {Int32Array} first
 * @property {Int32Array} count
 * @property {Float64Array} weights `most` for each new pixel, of which `count` are used
 * @property {number} most
 */

/**
 * @param {number} length of the old line
 * @param {number} from where the part to take begins
 * @param {number} to where it ends
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
 * Mix along every line of one direction. The new plane's lines lie as the old one's do: across, line after line; down,
 * side by side.
 * @template {Plane} Kind
 * @param {Kind} plane
 * @param {Taps} taps
 * @param {number} lines how many
 * @param {number} step from one old pixel of a line to the next
 * @param {number} next from one line to the next in the old plane
 * @returns {Kind}
 */
function pass(plane, { first, count, weights, most }, lines, step, next) {
  const wanted = first.length;
  const made = /** @type {Kind} */ (new /** @type {any} */ (plane).constructor(wanted * lines));
  const [newNext, newStep] = step === 1 ? [wanted, 1] : [1, lines];
  const bytes = plane instanceof Uint8Array;
  const words = plane instanceof Uint16Array;
  // Pillow's weights for 8 bits are whole numbers.
  const mixed = bytes ? weights.map((weight) => Math.trunc(weight * 2 ** PRECISION + 0.5)) : weights;
  for (let pixel = 0; pixel < wanted; pixel++) {
    const many = count[pixel];
    const tap = pixel * most;
    for (let line = 0; line < lines; line++) {
      let at = line * next + first[pixel] * step;
      let sum = bytes ? 2 ** (PRECISION - 1) : 0;
      for (let index = 0; index < many; index++, at += step) sum += plane[at] * mixed[tap + index];
      // Weights are never negative and add up to one, so nothing leaves the range.
      made[line * newNext + pixel * newStep] = bytes ? sum >> PRECISION : words ? Math.floor(sum + 0.5) : sum;
    }
  }
  return made;
}
