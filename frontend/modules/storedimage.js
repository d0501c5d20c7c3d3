// @ts-check
/** An image that the server keeps for display, with its grey values where it has them. */
import { request } from "./api.js";
import { decodeGreyPng } from "./greypng.js";
import { WindowedImage } from "./windowing.js";

/** @import { DisplayPicture, Source } from "./types.js" */

/** For several megabytes on a slow connection. */
const PICTURE_MS = 120_000;

/**
 * @param {string} path of the API
 * @param {DisplayPicture} picture what is there
 * @param {Source | null} source facts of the image file
 */
export async function loadImage(path, { grey }, source) {
  const file = await (await request(path, {}, PICTURE_MS)).blob();
  if (!grey) return new WindowedImage({ bitmap: await createImageBitmap(file) });
  const { slope, intercept, inverted, windows: [window] } = grey;
  const samples = { ...(await decodeGreyPng(file)), channels: /** @type {1} */ (1), slope, intercept, inverted, window };
  return new WindowedImage({ samples: { ...samples, ...(source && { source }) } });
}
