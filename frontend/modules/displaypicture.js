// @ts-check
/** The display picture of a result, from the server: the original without identity, its longest side at most 2,048 pixels. */
import { fileWindows } from "./filewindows.js";
import { count } from "./format.js";
import { loadImage } from "./storedimage.js";
import { text } from "./text.js";

/** @import { Picture } from "./picture.js" */
/** @import { DisplayPicture, Result } from "./types.js" */

/**
 * @param {Result} result
 * @returns {Promise<Picture | null>} null if none is stored
 * @throws {Error} if it cannot be loaded
 */
export async function displayPicture(result) {
  const { id, picture, source, frames } = result;
  if (!picture) return null;
  const image = await loadImage(`/results/${encodeURIComponent(id)}/picture`, picture, source);
  return {
    image,
    own: true,
    caption: captionOf(result, picture),
    ...(picture.grey && { windows: fileWindows(picture.grey.windows) }),
    ...(frames && source && { frames: async () => (await import("./keptframes.js")).keptFrames(result, source, image) }),
  };
}

/**
 * @param {Result} result
 * @param {DisplayPicture} picture
 */
function captionOf({ source, frames }, { width, height }) {
  const size = text.lightBox.size(width, height);
  const isWhole = !source || (source.columns === width && source.rows === height);
  const caption = isWhole ? text.picture.display(size) : text.picture.reduced(size, text.lightBox.size(source.columns, source.rows));
  // Where others can be shown, their tools say which one is.
  return source?.frame && source.frames && !frames ? `${caption} · ${text.picture.frame(count(source.frame), count(source.frames))}` : caption;
}
