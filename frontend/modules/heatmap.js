// @ts-check
/** A class activation map as an image that lies smoothly over the original. */

/** @import { HeatMap } from "./types.js" */

/**
 * "Inferno" (Smith and van der Walt, CC0) at nine even steps: lightness rises evenly with the value, also for the
 * colour-blind and in print. Its palest end is left out, as it cannot be told from dense tissue.
 */
const INFERNO = [
  [20, 11, 53], [58, 9, 99], [96, 19, 110], [133, 33, 107], [169, 46, 94],
  [203, 65, 73], [230, 93, 47], [247, 131, 17], [252, 173, 18],
];

/** Longest side of the overlay in pixels. The light box enlarges it further without a visible step. */
const OVERLAY_SIDE = 384;

/** A colour for each of 256 values, with the opacity at which it lies on the image: weak evidence lets it show through. */
const PALETTE = Array.from({ length: 256 }, (_, step) => [...colour(step / 255), step]);

/**
 * @param {number} value 0 to 1
 * @returns {number[]} red, green, blue; 0 to 255
 */
function colour(value) {
  const position = value * (INFERNO.length - 1);
  const below = Math.min(Math.floor(position), INFERNO.length - 2);
  const share = position - below;
  return INFERNO[below].map((from, channel) => from + (INFERNO[below + 1][channel] - from) * share);
}

/**
 * Enlarge and colour a heat map.
 * @param {HeatMap} heatMap
 * @param {number} aspect width by height of the image it lies on
 * @returns {HTMLCanvasElement}
 */
export function overlay(heatMap, aspect) {
  const width = Math.max(1, Math.round(aspect >= 1 ? OVERLAY_SIDE : OVERLAY_SIDE * aspect));
  const height = Math.max(1, Math.round(aspect >= 1 ? OVERLAY_SIDE / aspect : OVERLAY_SIDE));
  const values = enlarge(heatMap, width, height);
  const pixels = new ImageData(width, height);
  values.forEach((value, index) => pixels.data.set(PALETTE[Math.round(value * 255)], index * 4));
  return canvasOf(pixels);
}

/**
 * The scale of colours, from weak to strong, one pixel high.
 * @param {HTMLCanvasElement} canvas
 */
export function drawLegend(canvas) {
  const pixels = new ImageData(canvas.width, 1);
  for (let x = 0; x < canvas.width; x++) pixels.data.set([...colour(x / (canvas.width - 1)), 255], x * 4);
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
}

/**
 * Cubic interpolation, rows first and then columns: a map has so few cells that linear interpolation would let their edges show.
 * @param {HeatMap} heatMap
 * @param {number} width
 * @param {number} height
 * @returns {Float32Array} row-major, height x width, 0 to 1
 */
function enlarge({ width: columns, height: rows, values }, width, height) {
  const across = taps(columns, width);
  const down = taps(rows, height);
  const wide = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    across.forEach((tap, x) => {
      wide[row * width + x] = tap.reduce((sum, [cell, weight]) => sum + values[row * columns + cell] * weight, 0);
    });
  }
  const large = new Float32Array(height * width);
  down.forEach((tap, y) => {
    for (let x = 0; x < width; x++) {
      large[y * width + x] = clamp(tap.reduce((sum, [cell, weight]) => sum + wide[cell * width + x] * weight, 0));
    }
  });
  return large;
}

/**
 * For each pixel of the enlarged line, the cells it is mixed from and their weights (Catmull-Rom; edge cells repeat).
 * @param {number} cells
 * @param {number} length
 * @returns {[number, number][][]}
 */
function taps(cells, length) {
  return Array.from({ length }, (_, pixel) => {
    const position = ((pixel + 0.5) * cells) / length - 0.5;
    const first = Math.floor(position);
    const t = position - first;
    const weights = [
      ((2 - t) * t - 1) * t * 0.5,
      (t * t * (3 * t - 5) + 2) * 0.5,
      ((4 - 3 * t) * t + 1) * t * 0.5,
      (t - 1) * t * t * 0.5,
    ];
    return weights.map((weight, index) => [Math.min(Math.max(first - 1 + index, 0), cells - 1), weight]);
  });
}

/** @param {ImageData} pixels */
function canvasOf(pixels) {
  const canvas = document.createElement("canvas");
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return canvas;
}

/** @param {number} value */
const clamp = (value) => Math.min(Math.max(value, 0), 1);
