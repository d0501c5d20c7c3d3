// @ts-check
/** Display windows to choose from: those of the image's own values, those of its file and its task, and usual ones. */

/** @import { Task } from "./types.js" */
/** @import { Samples, Window, WindowedImage } from "./windowing.js" */

/**
 * In the values of the file, as in DICOM (PS3.3 C.11.2.1.2), or in percent of the window with which the image opens.
 * @typedef {{name: string} & ({center: number, width: number} | {black: number, white: number})} NamedWindow
 */

/** Usual windows in Hounsfield units. Other modalities have no scale that all devices share. */
export const USUAL = /** @type {Record<string, {id: "lung" | "softTissue" | "bone" | "brain", center: number, width: number}[]>} */ ({
  CT: [
    { id: "lung", center: -600, width: 1500 },
    { id: "softTissue", center: 40, width: 400 },
    { id: "bone", center: 400, width: 1800 },
    { id: "brain", center: 40, width: 80 },
  ],
});

/**
 * The windows of a task that suit an image.
 * @param {Task | undefined} task
 * @param {string | null | undefined} modality of the image's file, if its values are shown
 * @returns {NamedWindow[]}
 */
export function taskWindows(task, modality) {
  /** @type {NamedWindow[]} */
  const suitable = [];
  for (const { title: name, black, white, center, width } of task?.windows ?? []) {
    if (black !== null && white !== null) suitable.push({ name, black, white });
    else if (center !== null && width !== null && modality === task?.modality) suitable.push({ name, center, width });
  }
  return suitable;
}

/**
 * @param {NamedWindow} named
 * @param {WindowedImage} image
 * @returns {Window}
 */
export function windowOf(named, image) {
  if ("center" in named) return { low: named.center - named.width / 2, high: named.center + named.width / 2 - 1 };
  const { low, high } = image.first;
  // In an inverted image, small values are bright.
  const [first, last] = image.samples?.inverted ? [100 - named.white, 100 - named.black] : [named.black, named.white];
  return { low: low + ((high - low) * first) / 100, high: low + ((high - low) * last) / 100 };
}

/**
 * The window between two shares of the sorted values, all colours together.
 * @param {Samples} samples
 * @param {number} lowest 0 to 1
 * @param {number} highest 0 to 1
 * @returns {Window} in rescaled values, at least 1 stored value wide
 */
export function windowBetween({ data, slope, intercept }, lowest, highest) {
  const offset = data instanceof Int16Array || data instanceof Int8Array ? 32768 : 0;
  const counts = new Uint32Array(65536);
  for (let index = 0; index < data.length; index++) counts[data[index] + offset]++;
  const low = levelAt(counts, lowest * (data.length - 1)) - offset;
  const high = Math.max(levelAt(counts, highest * (data.length - 1)) - offset, low + 1);
  const ends = [low * slope + intercept, high * slope + intercept];
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

/**
 * @param {Uint32Array} counts by level
 * @param {number} rank of a value among all, from 0
 */
function levelAt(counts, rank) {
  let below = 0;
  for (let level = 0; level < counts.length; level++) {
    below += counts[level];
    if (below > rank) return level;
  }
  return counts.length - 1;
}
