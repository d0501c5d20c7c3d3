// @ts-check
/** The picture that belongs to a result: the reader's own file where this visit has it, else what the model saw. */
import { fetchPreview } from "./api.js";
import { inspect } from "./imagefile.js";
import { text } from "./text.js";
import { WindowedImage } from "./windowing.js";

/** @import { Result } from "./types.js" */

/**
 * @typedef {object} Picture
 * @property {WindowedImage} image
 * @property {boolean} own whether it is the reader's own file, and not what the model saw
 * @property {string} caption says where it is from, and its size
 */

/** Longest side of a picture kept for showing: more than any screen has, and a tenth of what 100 megapixels would take. */
const MAX_SHOWN_SIDE = 4096;

/** A File is a reference to the disk, not its bytes; still, it should not go on for ever. */
const MAX_ORIGINALS = 5000;

/**
 * Files of this visit, by result.
 * @type {Map<string, File>}
 */
const originals = new Map();

/**
 * Keep a file for when its result is opened again.
 * @param {string} id the result's
 * @param {File} file
 */
export function remember(id, file) {
  originals.set(id, file);
  if (originals.size > MAX_ORIGINALS) originals.delete([...originals.keys()][0]);
}

/**
 * @param {File} file
 * @returns {Promise<Picture | null>} null where the browser cannot show it: of another kind, broken, or too large. The
 *   server judges the file
 */
export async function pictureOfFile(file) {
  try {
    const { showable, contentType } = await inspect(file);
    if (showable) return await bitmapPicture(file, true);
    // Whoever has no DICOM files need not load what reads them.
    const samples = contentType === "application/dicom" ? await (await import("./dicom.js")).readDicom(file) : null;
    return samples && { image: new WindowedImage({ samples }), own: true, caption: captionOf(samples, true) };
  } catch {
    return null;
  }
}

/**
 * @param {Result} result
 * @param {() => Promise<Picture | null>} prepared what the model saw
 * @returns {Promise<Picture | null>} null where there is none; the reading stands without it
 */
export async function pictureOfResult(result, prepared) {
  const original = originals.get(result.id);
  const own = original && (await pictureOfFile(original));
  if (own && !isRotated(own, result)) return own;
  return result.status === "quarantined" ? null : prepared();
}

/**
 * Whether the browser shows a picture lying on its side that the model was given upright, so that the heat map would not fit.
 * @param {Picture} own
 * @param {Result} result
 */
function isRotated({ image: { size } }, { source }) {
  return source !== null && Math.sign(size.width - size.height) !== Math.sign(source.columns - source.rows);
}

/**
 * What the model saw.
 * @param {Result} result
 * @returns {Promise<Picture | null>} null where there is none (any more)
 */
export const preparedPicture = (result) => fetchPreview(result.id).then((preview) => bitmapPicture(preview, false)).catch(() => null);

/**
 * @param {Blob} file
 * @param {boolean} own
 * @returns {Promise<Picture>}
 */
async function bitmapPicture(file, own) {
  // The levels that are stored, as the model is given them.
  const whole = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const caption = captionOf(whole, own);
  return { image: new WindowedImage({ bitmap: await reduced(whole) }), own, caption };
}

/**
 * @param {{width: number, height: number}} size
 * @param {boolean} own
 */
function captionOf({ width, height }, own) {
  const size = text.lightBox.size(width, height);
  return own ? text.lightBox.ownImage(size) : text.lightBox.preparedImage(size);
}

/** @param {ImageBitmap} whole */
async function reduced(whole) {
  const scale = MAX_SHOWN_SIDE / Math.max(whole.width, whole.height);
  if (scale >= 1) return whole;
  const resizeWidth = Math.max(1, Math.round(whole.width * scale));
  const resizeHeight = Math.max(1, Math.round(whole.height * scale));
  const image = await createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: "high" });
  whole.close();
  return image;
}
