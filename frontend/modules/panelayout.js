// @ts-check
/** How two images share the light box: side by side, or one above the other where it is narrow. */

/** @import { Box, Size } from "./viewport.js" */

/** In CSS pixels. */
const NARROW = 480;

/**
 * @param {number} number of panes
 * @param {number} width of the light box
 */
export const isStacked = (number, width) => number > 1 && width < NARROW;

/**
 * @param {number} number of panes
 * @param {Size} size of the light box
 * @returns {Box[]}
 */
export function paneAreas(number, { width, height }) {
  const stacked = isStacked(number, width);
  const part = stacked ? { width, height: height / number } : { width: width / number, height };
  return Array.from({ length: number }, (_, index) => ({ x: stacked ? 0 : index * part.width, y: stacked ? index * part.height : 0, ...part }));
}
