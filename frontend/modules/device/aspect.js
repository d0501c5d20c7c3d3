// @ts-check
/** The pixel aspect ratio, with the same limits as on the server (chalicelib/imaging/decoded.py). */

/** No device has longer pixels. */
const MAX_ASPECT = 10;
/** Pixels count as square up to this difference, since resolutions are rounded. */
const SQUARE = 0.01;

/**
 * Height of a pixel divided by its width, from resolutions.
 * @param {number} across pixels per unit
 * @param {number} down
 * @returns {number} 1 if it is implausible
 */
export function pixelAspect(across, down) {
  const ratio = across / down;
  const isPlausible = across > 0 && down > 0 && ratio >= 1 / MAX_ASPECT && ratio <= MAX_ASPECT;
  return isPlausible && Math.abs(ratio - 1) > SQUARE ? ratio : 1;
}
