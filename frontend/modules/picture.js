// @ts-check
/** The picture of a result: the user's own file if this visit has it, else the display picture, else the model input. */
import { fetchPreview } from "./api.js";
import { displayPicture } from "./displaypicture.js";
import { nameOf } from "./filenames.js";
import { fileWindows } from "./filewindows.js";
import { inspect } from "./imagefile.js";
import { isFromDevice } from "./ondevice.js";
import { originalOf } from "./originals.js";
import { loadTextsOf, text } from "./text.js";
import { WindowedImage } from "./windowing.js";

/** @import { Result } from "./types.js" */
/** @import { Samples } from "./windowing.js" */
/** @import { NamedWindow } from "./windows.js" */

/**
 * @typedef {object} Picture
 * @property {WindowedImage} image
 * @property {boolean} own whether it shows the original, and not the model input
 * @property {string} caption origin and size
 * @property {NamedWindow[]} [windows] that its file offers
 * @property {() => Promise<Frames | null>} [frames] loads those of a file with several; null if they cannot be loaded
 * @property {Promise<Picture | null>} [better] another one, which takes longer to load; null if it cannot be loaded
 */

/**
 * @typedef {object} Frames
 * @property {number} count of all in the file
 * @property {number[]} numbers of those that can be shown, from 1, in order
 * @property {number} classified number of the frame that is classified
 * @property {(number: number) => Promise<WindowedImage | null>} read one of them
 */

await loadTextsOf("picture");

/** Time after which the model input is shown until the display picture is there. */
const IMPATIENCE_MS = 300;

/** Longest side of a displayed picture: larger than screens, and a tenth of the memory of 100 megapixels. */
const MAX_SHOWN_SIDE = 4096;

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
    return contentType === "application/dicom" ? named(await dicomPicture(file), file.name) : null;
  } catch {
    return null;
  }
}

/**
 * @param {Blob} file
 * @returns {Promise<Picture | null>}
 */
async function dicomPicture(file) {
  const { readDicom } = await import("./dicom.js");
  const samples = await readDicom(file);
  if (!samples) return null;
  const { source: { frame, frames }, windows } = samples;
  return {
    image: new WindowedImage({ samples }),
    own: true,
    caption: captionOf(samples, true),
    windows: fileWindows(windows),
    ...(frame && frames && { frames: async () => framesOf(frames, frame, (number) => readDicom(file, number)) }),
  };
}

/**
 * @param {number} count
 * @param {number} classified
 * @param {(number: number) => Promise<Samples | null>} read
 * @returns {Frames}
 */
const framesOf = (count, classified, read) => ({
  count,
  numbers: Array.from({ length: count }, (_, index) => index + 1),
  classified,
  read: (number) => read(number).then((samples) => samples && new WindowedImage({ samples })),
});

/**
 * @param {Result} result
 * @param {() => Promise<Picture | null>} prepared loads the model input
 * @returns {Promise<Picture | null>} null if there is none; the result is shown without it
 */
export async function pictureOfResult(result, prepared) {
  const original = originalOf(result.id);
  const own = original && (await pictureOfFile(original));
  if (own && !isRotated(own, result)) return own;
  if (result.status === "quarantined") return null;
  const name = nameOf(result.id);
  const display = displayPicture(result).then((picture) => named(picture, name), () => null);
  const late = Symbol("late");
  const soon = result.picture && (await Promise.race([display, new Promise((resolve) => setTimeout(resolve, IMPATIENCE_MS, late))]));
  if (soon && soon !== late) return soon;
  const input = named(await prepared(), name);
  if (!input || isFromDevice(result.id)) return input;
  if (soon === late) return { ...input, better: display };
  return { ...input, caption: `${input.caption} · ${result.picture ? text.picture.notLoaded : text.picture.notStored}` };
}

/**
 * Why a result is shown without any picture, and what to do.
 * @param {Result} result
 */
export function whyNoPicture({ id, status }) {
  if (isFromDevice(id)) return text.picture.gone;
  return status === "quarantined" ? text.picture.unreadable : text.picture.missing;
}

/**
 * A picture with the name of its file in the caption, if it is known.
 * @param {Picture | null} picture
 * @param {string} name
 */
const named = (picture, name) => (picture && name ? { ...picture, caption: `${name} · ${picture.caption}` } : picture);

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
