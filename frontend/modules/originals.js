// @ts-check
/** The image files of this visit, by result, to show them again. */
import { keepName } from "./filenames.js";

/** A File refers to the disk and holds no bytes; still, the number is limited. */
const MAX_ORIGINALS = 5000;

/** @type {Map<string, File>} */
const originals = new Map();

/**
 * Remember a file for when its result is opened again.
 * @param {string} id of the result
 * @param {File} file
 */
export function remember(id, file) {
  keepName(id, file.name).catch(() => {}); // it is known until the page is left
  originals.set(id, file);
  if (originals.size > MAX_ORIGINALS) originals.delete([...originals.keys()][0]);
}

/** @param {string} id of the result */
export const originalOf = (id) => originals.get(id);
