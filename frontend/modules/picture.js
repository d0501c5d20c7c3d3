// @ts-check
/** The picture of a result: the user's own file if this visit has it, else the model input. */
import { fetchPreview } from "./api.js";
import { keepName, nameOf } from "./filenames.js";
import { inspect } from "./imagefile.js";
import { text } from "./text.js";
import { WindowedImage } from "./windowing.js";

/** @import { Result } from "./types.js" */

/**
 * @typedef {object} Picture
 * @property {WindowedImage} image
 * @property {boolean} own whether it is the user's own file and not the model input
 * @property {string} caption origin and size
 */

/** Longest side of a displayed picture: larger than screens, and a tenth of the memory of 100 megapixels. */
const MAX_SHOWN_SIDE = 4096;

/** A File refers to the disk and holds no bytes; still, the number is limited. */
const MAX_ORIGINALS = 5000;

/**
 * Files of this visit, by result.
 * @type {Map<string, File>}
 */
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

/**
 * @param {File} file
 * @returns {Promise<Picture | null>} null if the browser cannot display it (other format, damaged, or too
 *   large); the server decides about the file
 */
export async function pictureOfFile(file) {
  try {
    const { showable, contentType } = await inspect(file);
    if (showable) return named(await bitmapPicture(file, true), file.name);
    // Load the DICOM reader only if it is needed.
    const samples = contentType === "application/dicom" ? await (await import("./dicom.js")).readDicom(file) : null;
    return samples && named({ image: new WindowedImage({ samples }), own: true, caption: captionOf(samples, true) }, file.name);
  } catch {
    return null;
  }
}

/**
 * @param {Result} result
 * @param {() => Promise<Picture | null>} prepared loads the model input
 * @returns {Promise<Picture | null>} null if there is none; the result is shown without it
 */
export async function pictureOfResult(result, prepared) {
  const original = originals.get(result.id);
  const own = original && (await pictureOfFile(original));
  if (own && !isRotated(own, result)) return own;
  const picture = result.status === "quarantined" ? null : await prepared();
  return picture && named(picture, nameOf(result.id));
}

/**
 * A picture with the name of its file in the caption, if it is known.
 * @param {Picture} picture
 * @param {string} name
 */
const named = (picture, name) => (name ? { ...picture, caption: `${name} · ${picture.caption}` } : picture);

/**
 * Whether the browser shows the picture rotated against the model input, so that the heat map would not fit.
 * @param {Picture} own
 * @param {Result} result
 */
function isRotated({ image: { size } }, { source }) {
  return source !== null && Math.sign(size.width - size.height) !== Math.sign(source.columns - source.rows);
}

/**
 * Load the model input.
 * @param {Result} result
 * @returns {Promise<Picture | null>} null if there is none (any more)
 */
export const preparedPicture = (result) => fetchPreview(result.id).then((preview) => bitmapPicture(preview, false)).catch(() => null);

/**
 * @param {Blob} file
 * @param {boolean} own
 * @returns {Promise<Picture>}
 */
async function bitmapPicture(file, own) {
  // The stored values, as the model receives them.
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
