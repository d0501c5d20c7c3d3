// @ts-check
/** The windows of a DICOM file (PS3.3 sections C.11.2.1.2 and C.11.2.1.3). */

/** @import { Header } from "./dicomheader.js" */
/** @import { Window } from "./windowing.js" */

/** More are no choice (chalicelib/imaging/dicom/grey_levels.py). */
const MAX_WINDOWS = 6;

/** Larger numbers are not real (MAX_VALUE in chalicelib/imaging/dicom/attributes.py). */
const MAX_MAGNITUDE = 1e30;

/** @param {number} value */
export const isUsable = (value) => Math.abs(value) < MAX_MAGNITUDE;

/**
 * Whether there is a window, and its first values are not plain numbers or its width is at most 1, which makes it a threshold.
 * @param {Header} header
 */
export function hasUnusualWindow(header) {
  if (header.texts("centre").join("") === "" && header.texts("width").join("") === "") return false;
  const window = windowAt(header, 0);
  return !window || window.low >= window.high;
}

/**
 * The usable windows, the first of which is shown first, each with its explanation. That is free text, so it must not leave the page.
 * @param {Header} header
 * @returns {(Window & {name: string | null})[]}
 */
export function windowsOf(header) {
  const windows = header.decimals("centre").flatMap((_, index) => windowAt(header, index) ?? []);
  return windows.slice(0, MAX_WINDOWS);
}

/**
 * @param {Header} header
 * @param {number} index
 * @returns {Window & {name: string | null} | null} null if it is not usable
 */
function windowAt(header, index) {
  const [centre, width] = [header.decimals("centre")[index], header.decimals("width")[index] ?? NaN];
  if (!(isUsable(centre) && isUsable(width) && width > 1)) return null;
  const name = header.texts("explanation")[index] || null;
  if (header.text("curve") === "LINEAR_EXACT") return { low: centre - width / 2, high: centre + width / 2, name };
  return { low: centre - 0.5 - (width - 1) / 2, high: centre - 0.5 + (width - 1) / 2, name };
}
