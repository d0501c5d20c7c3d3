// @ts-check
/** Zoom, position and orientation of an image, independent of drawing. Sizes of the image are as on the screen, after turning it. */
import { Orientation, mirrored, turned } from "./orientation.js";

/** Screen pixels per image pixel: a 50 x 50 image should not fill a wall display. */
const MAX_FIT = 8;
const MAX_ZOOM = 16;

/** @typedef {{width: number, height: number}} Size */
/** @typedef {{x: number, y: number, width: number, height: number}} Box */

export class Viewport {
  constructor() {
    this.zoom = 1;
    /** The point of the image at the centre of the view, as shares of its width and height. */
    this.centre = { x: 0.5, y: 0.5 };
    this.orientation = new Orientation();
  }

  /** @returns {Viewport} one of its own with the same view */
  copy() {
    const copy = Object.assign(new Viewport(), { zoom: this.zoom, centre: this.centre });
    Object.assign(copy.orientation, this.orientation);
    return copy;
  }

  /** Turn the image around the centre of the view. @param {number} quarters clockwise */
  turn(quarters) {
    this.orientation.turn(quarters);
    this.centre = turned(this.centre, (quarters + 4) % 4);
  }

  /** Exchange left and right. */
  mirror() {
    this.orientation.mirror();
    this.centre = mirrored(this.centre);
  }

  /** Show the whole image. */
  fit() {
    this.zoom = 1;
    this.centre = { x: 0.5, y: 0.5 };
  }

  /**
   * Position and size of the image.
   * @param {Size} image in its own pixels
   * @param {Size} room in screen pixels
   * @returns {Box} in screen pixels from the upper left corner of the room
   */
  box(image, room) {
    const scale = fitScale(image, room) * this.zoom;
    const [width, height] = [Math.max(1, image.width * scale), Math.max(1, image.height * scale)];
    return { x: room.width / 2 - this.centre.x * width, y: room.height / 2 - this.centre.y * height, width, height };
  }

  /**
   * @param {number} factor more than 1 enlarges
   * @param {Size} image
   * @param {Size} room
   * @param {{x: number, y: number}} [fixed] the point of the room that stays in place; its centre by default
   */
  enlarge(factor, image, room, fixed = { x: room.width / 2, y: room.height / 2 }) {
    const before = this.box(image, room);
    const most = Math.max(1, MAX_ZOOM / fitScale(image, room));
    this.zoom = Math.min(Math.max(this.zoom * factor, 1), most);
    const after = this.box(image, room);
    const under = { x: (fixed.x - before.x) / before.width, y: (fixed.y - before.y) / before.height };
    this.centre = {
      x: under.x + (room.width / 2 - fixed.x) / after.width,
      y: under.y + (room.height / 2 - fixed.y) / after.height,
    };
    this.clampCentre(image, room);
  }

  /**
   * @param {number} right screen pixels
   * @param {number} down screen pixels
   * @param {Size} image
   * @param {Size} room
   */
  move(right, down, image, room) {
    const { width, height } = this.box(image, room);
    this.centre = { x: this.centre.x - right / width, y: this.centre.y - down / height };
    this.clampCentre(image, room);
  }

  /** Screen pixels per image pixel. @param {Size} image @param {Size} room */
  scale(image, room) {
    return fitScale(image, room) * this.zoom;
  }

  /**
   * Keep the image over the whole room; an image smaller than the room stays centred.
   * @param {Size} image
   * @param {Size} room
   */
  clampCentre(image, room) {
    const { width, height } = this.box(image, room);
    this.centre = { x: kept(this.centre.x, width, room.width), y: kept(this.centre.y, height, room.height) };
  }
}

/**
 * @param {number} centre
 * @param {number} length of the image
 * @param {number} room
 */
function kept(centre, length, room) {
  const half = Math.min(0.5, room / 2 / length);
  return Math.min(Math.max(centre, half), 1 - half);
}

/**
 * @param {Size} image
 * @param {Size} room
 */
const fitScale = (image, room) => Math.max(Math.min(room.width / image.width, room.height / image.height, MAX_FIT), 1e-3);
