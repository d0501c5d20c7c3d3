// @ts-check
/** The picture that belongs to a result: the reader's own file where this visit has it, else what the model saw. */
import { fetchPreview } from "./api.js";
import { text } from "./text.js";

/** @import { Result } from "./types.js" */

/**
 * @typedef {object} Picture
 * @property {ImageBitmap} image
 * @property {string} caption says where it is from, and its size
 */

/** Longest side of a picture kept for showing: more than any screen has, and a tenth of what 100 megapixels would take. */
const LARGEST_SHOWN = 4096;

/** A File is a reference to the disk, not its bytes; still, a day's work should not pile up. */
const MOST_ORIGINALS = 200;

/**
 * Files of this visit, by result.
 * @type {Map<string, File>}
 */
const originals = new Map();

/**
 * Keep a file that the browser can show, for when its result is opened again.
 * @param {string} id the result's
 * @param {File} file
 */
export function remember(id, file) {
  originals.set(id, file);
  if (originals.size > MOST_ORIGINALS) originals.delete([...originals.keys()][0]);
}

/**
 * @param {File} file
 * @returns {Promise<Picture | null>} null where the browser cannot show it: broken, or too large. The server judges the file
 */
export const pictureOfFile = (file) => picture(file, text.lightBox.ownImage).catch(() => null);

/**
 * @param {Result} result
 * @returns {Promise<Picture | null>} null where there is none; the reading stands without it
 */
export async function pictureOfResult(result) {
  const original = originals.get(result.id);
  const own = original && (await pictureOfFile(original));
  if (own || result.status === "quarantined") return own ?? null;
  return fetchPreview(result.id).then((preview) => picture(preview, text.lightBox.preparedImage)).catch(() => null);
}

/**
 * @param {Blob} file
 * @param {(size: string) => string} caption
 * @returns {Promise<Picture>}
 */
async function picture(file, caption) {
  const whole = await createImageBitmap(file);
  const { width, height } = whole;
  return { image: await reduced(whole), caption: caption(text.lightBox.size(width, height)) };
}

/** @param {ImageBitmap} whole */
async function reduced(whole) {
  const scale = LARGEST_SHOWN / Math.max(whole.width, whole.height);
  if (scale >= 1) return whole;
  const resizeWidth = Math.max(1, Math.round(whole.width * scale));
  const resizeHeight = Math.max(1, Math.round(whole.height * scale));
  const image = await createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: "high" });
  whole.close();
  return image;
}
