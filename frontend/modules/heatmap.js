// @ts-check
/** Draws a class activation map as a smooth overlay. */

/** @import { HeatMap } from "./types.js" */

/**
 * "Inferno" (Smith and van der Walt, CC0) at nine even steps: perceptually uniform, also for colour-blind users and in
 * greyscale. Its palest end is left out, since it looks like dense tissue.
 */
const INFERNO = [
  [20, 11, 53], [58, 9, 99], [96, 19, 110], [133, 33, 107], [169, 46, 94],
  [203, 65, 73], [230, 93, 47], [247, 131, 17], [252, 173, 18],
];

/** Longest side of the overlay in pixels. The light box enlarges it further without visible steps. */
const OVERLAY_SIDE = 384;

/** Colour and opacity for each of 256 values; weak evidence is nearly transparent. */
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
 * Enlarge a heat map and colour it.
 * @param {HeatMap} heatMap
 * @param {number} aspect width divided by height of the image
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
 * Draw the colour scale, from weak to strong, one pixel high.
 * @param {HTMLCanvasElement} canvas
 */
export function drawLegend(canvas) {
  const pixels = new ImageData(canvas.width, 1);
  for (let x = 0; x < canvas.width; x++) pixels.data.set([...colour(x / (canvas.width - 1)), 255], x * 4);
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
}

/**
 * Cubic interpolation, rows first, then columns. A map has so few cells that linear interpolation would show their edges.
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
 * For each pixel of the enlarged line, its source cells and their weights (Catmull-Rom; edge cells repeat).
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
