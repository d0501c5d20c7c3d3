// @ts-check
/** Draws the images on the light box: one, or two side by side, each with the heat map over it. */
import { followGestures } from "./gestures.js";
import { overlay } from "./heatmap.js";
import { Viewport } from "./viewport.js";

/** @import { HeatMap } from "./types.js" */
/** @import { WindowedImage } from "./windowing.js" */

/** Space around the image in CSS pixels; the caption is below it. */
const MARGIN = 30;

/** From this many screen pixels per image pixel on, pixels are drawn without smoothing. */
const SHOW_PIXELS = 6;

const KEY_STEP = 60;
const KEY_ZOOM = 1.25;
const KEY_WINDOW = 0.05;

/** Delay after the last movement until the image is drawn in full detail again. */
const SETTLE_MS = 150;

export class ImageCanvas {
  /**
   * @param {HTMLElement} element
   * @param {HTMLCanvasElement} canvas fills the element
   * @param {() => void} onChange called when the view or the grey levels have changed
   */
  constructor(element, canvas, onChange) {
    this.element = element;
    this.canvas = canvas;
    this.onChange = onChange;
    this.viewport = new Viewport();
    /** @type {WindowedImage[]} */
    this.images = [];
    /** @type {HTMLCanvasElement | null} */
    this.overlay = null;
    this.opacity = 0;
    /** What dragging does; "auto" depends on the pointer and the zoom. @type {"move" | "window" | "auto"} */
    this.tool = "auto";
    this.moving = false;
    this.settle = 0;
    this.frame = 0;
    new ResizeObserver(() => this.draw()).observe(element);
    followGestures(element, {
      onZoom: (factor, at) => this.enlarge(factor, this.inPane(at)),
      onMove: (right, down) => this.move(right, down),
      onWindow: (right, down) => this.adjust(-down, right),
      onWindowed: () => this.draw(),
      onToggle: () => (this.viewport.zoom > 1 ? this.reset(false) : this.enlarge(2)),
      drag: (touch, shift) => this.dragging(touch, shift),
    });
    element.addEventListener("keydown", (event) => this.press(event));
  }

  /**
   * @param {boolean} touch
   * @param {boolean} shift whether Shift is held, which switches to the other tool
   */
  dragging(touch, shift) {
    if (this.images.length === 0) return null;
    const chosen = this.tool !== "auto" ? this.tool : touch ? (this.viewport.zoom > 1 ? "move" : null) : "window";
    return shift ? (chosen === "move" ? "window" : "move") : chosen;
  }

  /**
   * @param {WindowedImage[]} images none, one, or two to show side by side
   */
  setImages(...images) {
    for (const image of this.images) if (!images.includes(image)) image.close();
    if (this.images[0] !== images[0]) this.viewport.fit();
    this.images = images;
    if (images.length === 0) this.overlay = null;
    this.element.tabIndex = images.length ? 0 : -1;
    this.draw();
  }

  /** @param {HeatMap | null | undefined} heatMap */
  setHeatMap(heatMap) {
    const size = this.images[0]?.size;
    this.overlay = heatMap && size ? overlay(heatMap, size.width / size.height) : null;
    this.draw();
  }

  /** @param {boolean} grey whether to reset the grey levels as well */
  reset(grey) {
    this.viewport.fit();
    if (grey) for (const image of this.images) image.reset();
    this.changed();
  }

  invert() {
    for (const image of this.images) image.inverted = !image.inverted;
    this.changed();
  }

  /**
   * @param {number} factor
   * @param {{x: number, y: number}} [at] in a pane; stays in place
   */
  enlarge(factor, at) {
    if (!this.images[0]) return;
    this.viewport.enlarge(factor, this.images[0].size, this.room(), at);
    this.changed();
  }

  /**
   * @param {number} right
   * @param {number} down
   */
  move(right, down) {
    if (!this.images[0]) return;
    this.viewport.move(right, down, this.images[0].size, this.room());
    this.changed();
  }

  /**
   * @param {number} brighter share of the initial window
   * @param {number} wider share of the initial window
   */
  adjust(brighter, wider) {
    for (const image of this.images) image.adjust(brighter, wider);
    this.changed();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!direction || event.ctrlKey || event.metaKey || event.altKey || this.images.length === 0 || event.target !== this.element) return;
    event.preventDefault();
    const [right, down] = direction;
    if (event.shiftKey) this.adjust(-down * KEY_WINDOW, right * KEY_WINDOW);
    else this.move(-right * KEY_STEP, -down * KEY_STEP);
  }

  /** @param {1 | -1} direction */
  step(direction) {
    this.enlarge(direction > 0 ? KEY_ZOOM : 1 / KEY_ZOOM);
  }

  changed() {
    this.moving = true;
    this.element.ariaBusy = "true";
    clearTimeout(this.settle);
    this.settle = window.setTimeout(() => {
      this.moving = false;
      this.draw();
      this.element.ariaBusy = "false";
    }, SETTLE_MS);
    this.onChange();
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  /** Screen pixels per image pixel. */
  get scale() {
    return this.images[0] ? this.viewport.scale(this.images[0].size, this.room()) : 1;
  }

  room() {
    return {
      width: Math.max(1, this.element.clientWidth / Math.max(1, this.images.length) - 2 * MARGIN),
      height: Math.max(1, this.element.clientHeight - 2 * MARGIN),
    };
  }

  /** @param {{x: number, y: number}} at in the element */
  inPane({ x, y }) {
    return { x: (x % (this.element.clientWidth / Math.max(1, this.images.length))) - MARGIN, y: y - MARGIN };
  }

  /** Draw at the screen's resolution. */
  draw() {
    const { canvas, element, images } = this;
    canvas.hidden = images.length === 0;
    element.classList.toggle("lit", images.length > 0);
    element.classList.toggle("zoomed", this.viewport.zoom > 1);
    if (images.length === 0) return;
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(element.clientWidth * ratio), Math.round(element.clientHeight * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    // All panes show the same part at the same size, whatever their resolution.
    const box = this.viewport.box(images[0].size, this.room());
    const pane = element.clientWidth / images.length;
    images.forEach((image, index) => {
      context.save();
      context.setTransform(ratio, 0, 0, ratio, index * pane * ratio, 0);
      context.beginPath();
      context.rect(index ? 1 : 0, 0, pane - 1, element.clientHeight);
      context.clip();
      this.paint(context, image, { ...box, x: box.x + MARGIN, y: box.y + MARGIN });
      context.restore();
    });
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {WindowedImage} image
   * @param {{x: number, y: number, width: number, height: number}} box
   */
  paint(context, image, { x, y, width, height }) {
    const source = image.source(this.moving && image.changed);
    context.imageSmoothingEnabled = width / image.size.width < SHOW_PIXELS || this.viewport.zoom === 1;
    context.imageSmoothingQuality = "high";
    context.drawImage(source, x, y, width, height);
    if (!this.overlay || this.opacity === 0) return;
    context.imageSmoothingEnabled = true;
    context.globalAlpha = this.opacity;
    context.drawImage(this.overlay, x, y, width, height);
    context.globalAlpha = 1;
  }
}
