// @ts-check
/** The frames of a result's file that the server keeps: each is loaded when it is wanted, and its neighbours before they are. */
import { notify } from "./announcer.js";
import { request } from "./api.js";
import { loadImage } from "./storedimage.js";
import { text } from "./text.js";
import { WindowedImage } from "./windowing.js";

/** @import { Frames } from "./picture.js" */
/** @import { FramePicture, Result, Source } from "./types.js" */

/** Pixels of all frames that stay loaded; they take up to four bytes each. */
const MAX_PIXELS = 64_000_000;

/**
 * @param {Result} result of a file with several frames
 * @param {Source} source facts of that file
 * @param {WindowedImage} classified the frame that is shown
 * @returns {Promise<Frames | null>} null, with a message, if they cannot be loaded
 */
export async function keptFrames({ id }, source, classified) {
  try {
    /** @type {{frames: FramePicture[]}} */
    const { frames } = await (await request(`/results/${encodeURIComponent(id)}/frames`)).json();
    return new KeptFrames(id, source, frames, classified);
  } catch {
    notify(text.picture.frames.notLoaded, { failed: true });
    return null;
  }
}

/** @implements {Frames} */
class KeptFrames {
  /**
   * @param {string} id of the result
   * @param {Source} source
   * @param {FramePicture[]} listed
   * @param {WindowedImage} classified
   */
  constructor(id, source, listed, classified) {
    this.id = id;
    this.source = source;
    this.listed = listed;
    this.numbers = listed.map(({ frame }) => frame);
    this.count = source.frames ?? listed.length;
    this.classified = source.frame ?? this.numbers[0];
    /** By number, the last used last. @type {Map<number, Promise<WindowedImage>>} */
    this.loaded = new Map([[this.classified, Promise.resolve(copyOf(classified))]]);
  }

  /** @param {number} number */
  async read(number) {
    const image = await this.load(number);
    const place = this.numbers.indexOf(number);
    // Nothing waits for the neighbours. One that fails is tried again when it is wanted.
    for (const beside of [this.numbers[place + 1], this.numbers[place - 1]]) if (beside) this.load(beside).catch(() => null);
    return image;
  }

  /**
   * @param {number} number of a frame that is kept
   * @returns {Promise<WindowedImage>}
   */
  load(number) {
    const known = this.loaded.get(number);
    this.loaded.delete(number);
    const { picture } = this.listed[this.numbers.indexOf(number)];
    const image = known ?? loadImage(`/results/${encodeURIComponent(this.id)}/picture?frame=${number}`, picture, this.source);
    this.loaded.set(number, image);
    image.catch(() => this.loaded.delete(number));
    const room = Math.max(3, Math.floor(MAX_PIXELS / (picture.width * picture.height)));
    for (const oldest of this.loaded.keys()) {
      if (this.loaded.size <= room) break;
      this.loaded.delete(oldest);
    }
    return image;
  }
}

/**
 * An image that stays as it is when the shown one gets another frame.
 * @param {WindowedImage} image
 */
const copyOf = ({ bitmap, samples }) => new WindowedImage(bitmap ? { bitmap } : { samples: /** @type {NonNullable<typeof samples>} */ (samples) });
