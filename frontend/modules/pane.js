// @ts-check
/** One image on the light box: where it is, how its pixels and the screen correspond, and how it is painted. */
import { Viewport } from "./viewport.js";

/** @import { Box, Size } from "./viewport.js" */
/** @import { WindowedImage } from "./windowing.js" */

/** @typedef {{x: number, y: number}} Place */

/** Space around the image in CSS pixels; the caption is below it. */
const MARGIN = 30;

/** From this many screen pixels per image pixel on, pixels are drawn without smoothing. */
const SHOW_PIXELS = 6;

export class Pane {
  /**
   * @param {WindowedImage} image
   * @param {Pane} [same] a pane that shows the same part of the same image, at another resolution
   */
  constructor(image, same) {
    this.image = image;
    this.viewport = same?.viewport ?? new Viewport();
    /** Its proportions, whatever its resolution. */
    this.outline = same?.outline ?? image.size;
    const { overlay = null } = same ?? {};
    /** The heat map. @type {HTMLCanvasElement | null} */
    this.overlay = overlay;
    /** Whether the heat map belongs to what is shown: not to another frame of the file. */
    this.isExplained = true;
    /** The pane in CSS pixels, set by the canvas. @type {Box} */
    this.area = { x: 0, y: 0, width: 1, height: 1 };
  }

  /** Room for the image. @returns {Size} */
  get room() {
    return { width: Math.max(1, this.area.width - 2 * MARGIN), height: Math.max(1, this.area.height - 2 * MARGIN) };
  }

  /** @returns {Size} of the image as it is turned */
  get shape() {
    return this.viewport.orientation.sizeOnScreen(this.outline);
  }

  /** The image in CSS pixels. @returns {Box} */
  get box() {
    const box = this.viewport.box(this.shape, this.room);
    return { ...box, x: box.x + this.area.x + MARGIN, y: box.y + this.area.y + MARGIN };
  }

  /** Screen pixels per image pixel. */
  get scale() {
    return this.viewport.scale(this.shape, this.room);
  }

  /**
   * @param {number} factor
   * @param {Place} [at] stays in place
   */
  enlarge(factor, at) {
    const fixed = at && { x: at.x - this.area.x - MARGIN, y: at.y - this.area.y - MARGIN };
    this.viewport.enlarge(factor, this.shape, this.room, fixed);
  }

  /**
   * @param {number} right
   * @param {number} down
   */
  move(right, down) {
    this.viewport.move(right, down, this.shape, this.room);
  }

  /**
   * @param {Place} at in CSS pixels
   * @returns {Place} in pixels of the image, which may lie outside it
   */
  toImage(at) {
    const { x, y, width, height } = this.box;
    const place = this.viewport.orientation.toImage({ x: (at.x - x) / width, y: (at.y - y) / height });
    return { x: place.x * this.image.size.width, y: place.y * this.image.size.height };
  }

  /**
   * @param {Place} place in pixels of the image
   * @returns {Place} in CSS pixels
   */
  toScreen(place) {
    const { x, y, width, height } = this.box;
    const share = { x: place.x / this.image.size.width, y: place.y / this.image.size.height };
    const on = this.viewport.orientation.toScreen(share);
    return { x: x + on.x * width, y: y + on.y * height };
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {{opacity: number, coarse: boolean}} kind opacity of the heat map; whether a reduced copy will do
   */
  paint(context, { opacity, coarse }) {
    const { image, viewport, overlay } = this;
    const source = image.source(coarse && image.changed);
    context.save();
    const { width, height } = viewport.orientation.apply(context, this.box);
    context.imageSmoothingEnabled = width / image.size.width < SHOW_PIXELS || viewport.zoom === 1;
    context.imageSmoothingQuality = "high";
    context.drawImage(source, 0, 0, width, height);
    if (overlay && this.isExplained && opacity > 0) {
      context.imageSmoothingEnabled = true;
      context.globalAlpha = opacity;
      context.drawImage(overlay, 0, 0, width, height);
    }
    context.restore();
  }
}
