// @ts-check
/** How an image is mirrored and turned on the screen. Places are shares of a width and a height, from the upper left. */

/** @typedef {{x: number, y: number}} Place */
/** @typedef {{width: number, height: number}} Size */

export class Orientation {
  constructor() {
    /** Whether left and right were exchanged before it was turned. */
    this.mirrored = false;
    /** Quarter turns clockwise, 0 to 3. */
    this.turns = 0;
  }

  get isUsual() {
    return !this.mirrored && this.turns === 0;
  }

  reset() {
    this.mirrored = false;
    this.turns = 0;
  }

  /** @param {number} quarters clockwise */
  turn(quarters) {
    this.turns = (this.turns + quarters + 4) % 4;
  }

  /** Exchange left and right as they are on the screen. */
  mirror() {
    this.mirrored = !this.mirrored;
    this.turns = (4 - this.turns) % 4;
  }

  /**
   * @param {Size} size of the image
   * @returns {Size} as on the screen
   */
  sizeOnScreen({ width, height }) {
    return this.turns % 2 ? { width: height, height: width } : { width, height };
  }

  /**
   * @param {Place} place in the image
   * @returns {Place} on the screen
   */
  toScreen(place) {
    return turned(this.mirrored ? mirrored(place) : place, this.turns);
  }

  /**
   * @param {Place} place on the screen
   * @returns {Place} in the image
   */
  toImage(place) {
    const upright = turned(place, 4 - this.turns);
    return this.mirrored ? mirrored(upright) : upright;
  }

  /**
   * Let the context draw into a box of the screen as if the image were upright, from its upper left.
   * @param {CanvasRenderingContext2D} context
   * @param {{x: number, y: number, width: number, height: number}} box
   * @returns {Size} of the box as the image sees it
   */
  apply(context, { x, y, width, height }) {
    const size = this.sizeOnScreen({ width, height });
    context.translate(x + width / 2, y + height / 2);
    context.rotate((this.turns * Math.PI) / 2);
    if (this.mirrored) context.scale(-1, 1);
    context.translate(-size.width / 2, -size.height / 2);
    return size;
  }
}

/**
 * @param {Place} place
 * @param {number} quarters clockwise
 * @returns {Place}
 */
export function turned({ x, y }, quarters) {
  return quarters % 4 === 0 ? { x, y } : turned({ x: 1 - y, y: x }, quarters - 1);
}

/**
 * @param {Place} place
 * @returns {Place}
 */
export const mirrored = ({ x, y }) => ({ x: 1 - x, y });
