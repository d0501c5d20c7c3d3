// @ts-check
/** The proportions of pixels, within the same bounds as on the server (chalicelib/imaging/decoded.py). */

/** No device makes pixels that are longer. */
const MAX_ASPECT = 10;
/** Resolutions are rounded, so pixels count as square up to this difference. */
const SQUARE = 0.01;

/**
 * Height of a pixel divided by its width, from resolutions.
 * @param {number} across pixels per unit
 * @param {number} down
 * @returns {number} 1 if it is not plausible
 */
export function pixelAspect(across, down) {
  const ratio = across / down;
  const isPlausible = across > 0 && down > 0 && ratio >= 1 / MAX_ASPECT && ratio <= MAX_ASPECT;
  return isPlausible && Math.abs(ratio - 1) > SQUARE ? ratio : 1;
}
