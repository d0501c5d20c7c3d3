// @ts-check
/** Draws the images on the light box: one, or two beside or above each other, each with its heat map over it. */
import { followGestures } from "./gestures.js";
import { isStacked, paneAreas } from "./panelayout.js";

/** @import { Pane, Place } from "./pane.js" */

const KEY_STEP = 60;
const KEY_ZOOM = 1.25;
const KEY_WINDOW = 0.05;

/** Delay after the last movement until the image is drawn in full detail again. */
const SETTLE_MS = 150;

/**
 * What draws over the image, with the pointer or with the arrow keys.
 * @typedef {object} Pen
 * @property {(at: Place, phase: "begin" | "move" | "end" | "cancel") => void} draw
 * @property {(at: Place | null) => void} hover
 * @property {(event: KeyboardEvent) => boolean} press whether the key was meant for it
 * @property {(context: CanvasRenderingContext2D) => void} paint
 */

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
    /** @type {Pane[]} */
    this.panes = [];
    this.opacity = 0;
    /** What dragging does; "auto" depends on the pointer and the zoom. @type {"move" | "window" | "draw" | "auto"} */
    this.tool = "auto";
    /** @type {Pen | null} */
    this.pen = null;
    /** The pane that was touched last. */
    this.active = 0;
    this.moving = false;
    this.settle = 0;
    this.frame = 0;
    new ResizeObserver(() => {
      this.draw();
      this.onChange();
    }).observe(element);
    followGestures(element, {
      onZoom: (factor, at) => {
        this.touch(at);
        this.enlarge(factor, at);
      },
      onMove: (right, down) => this.move(right, down),
      onWindow: (right, down) => this.adjust(-down, right),
      onWindowed: () => this.draw(),
      onToggle: () => this.tool !== "draw" && (this.isEnlarged ? this.fit() : this.enlarge(2)),
      onDraw: (at, phase) => this.pen?.draw(at, phase),
      onHover: (at) => this.pen?.hover(at),
      drag: (touch, shift, at) => {
        this.touch(at);
        return this.dragging(touch, shift);
      },
    });
    element.addEventListener("keydown", (event) => this.press(event));
  }

  /** The panes that tools act on: all that share their view, or the one that was touched last. */
  get chosen() {
    const { panes } = this;
    const touched = panes[this.active] ?? panes[0];
    return panes.filter(({ viewport }) => viewport === touched.viewport);
  }

  get isEnlarged() {
    return (this.chosen[0]?.viewport.zoom ?? 1) > 1;
  }

  /** The pane that tools show the state of. */
  get current() {
    return this.chosen[0];
  }

  /** @param {Place} at */
  indexAt({ x, y }) {
    return Math.max(0, this.panes.findLastIndex(({ area }) => x >= area.x && y >= area.y));
  }

  /** @param {Place} at */
  touch(at) {
    this.activate(this.indexAt(at));
  }

  /** @param {number} index of the pane that tools act on, unless all share their view */
  activate(index) {
    if (index === this.active) return;
    this.active = index;
    this.onChange();
  }

  /**
   * @param {boolean} touch
   * @param {boolean} shift whether Shift is held, which switches to the other tool
   */
  dragging(touch, shift) {
    if (this.panes.length === 0) return null;
    const chosen = this.tool !== "auto" ? this.tool : touch ? (this.isEnlarged ? "move" : null) : "window";
    return shift ? (chosen === "move" ? "window" : "move") : chosen;
  }

  /**
   * @param {Pane[]} panes none, one, or two to show side by side
   */
  setPanes(...panes) {
    for (const { image } of this.panes) if (!panes.some((pane) => pane.image === image)) image.close();
    this.panes = panes;
    if (!panes[this.active]) this.active = 0;
    this.element.tabIndex = panes.length ? 0 : -1;
    this.draw();
  }

  /** The heat map over the first image. */
  get overlay() {
    const [first] = this.panes;
    return first?.isExplained ? first.overlay : null;
  }

  /** Show the whole image. */
  fit() {
    this.view((viewport) => viewport.fit());
  }

  /** Undo everything that was done to the chosen images: zoom, window, inversion and orientation. */
  reset() {
    for (const { image, viewport } of this.chosen) {
      image.reset();
      viewport.fit();
      viewport.orientation.reset();
    }
    this.changed();
  }

  /**
   * Change the view of the chosen panes.
   * @param {(viewport: Pane["viewport"]) => void} change
   */
  view(change) {
    if (this.panes.length === 0) return;
    change(this.chosen[0].viewport);
    this.changed();
  }

  invert() {
    for (const { image } of this.chosen) image.inverted = !image.inverted;
    this.changed();
  }

  /**
   * @param {number} factor
   * @param {Place} [at] stays in place
   */
  enlarge(factor, at) {
    if (this.panes.length === 0) return;
    this.panes[this.active].enlarge(factor, at);
    this.changed();
  }

  /**
   * @param {number} right
   * @param {number} down
   */
  move(right, down) {
    if (this.panes.length === 0) return;
    this.panes[this.active].move(right, down);
    this.changed();
  }

  /**
   * @param {number} brighter share of the initial window
   * @param {number} wider share of the initial window
   */
  adjust(brighter, wider) {
    for (const { image } of this.chosen) image.adjust(brighter, wider);
    this.changed();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.panes.length === 0 || event.target !== this.element) return;
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (this.tool === "draw" && this.pen?.press(event)) event.preventDefault();
    else if (direction) {
      event.preventDefault();
      const [right, down] = direction;
      if (event.shiftKey) this.adjust(-down * KEY_WINDOW, right * KEY_WINDOW);
      else this.move(-right * KEY_STEP, -down * KEY_STEP);
    }
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

  /** Draw at the screen's resolution. */
  draw() {
    const { canvas, element, panes } = this;
    canvas.hidden = panes.length === 0;
    element.classList.toggle("lit", panes.length > 0);
    element.classList.toggle("zoomed", panes.some(({ viewport }) => viewport.zoom > 1));
    if (panes.length === 0) return;
    const ratio = devicePixelRatio;
    element.classList.toggle("stacked", isStacked(panes.length, element.clientWidth));
    const [width, height] = [element.clientWidth, element.clientHeight];
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, across, down);
    context.scale(ratio, ratio);
    const areas = paneAreas(panes.length, { width, height });
    panes.forEach((pane, index) => {
      pane.area = areas[index];
      const { area } = pane;
      context.save();
      context.beginPath();
      context.rect(area.x, area.y, area.width - 1, area.height - 1);
      context.clip();
      pane.paint(context, { opacity: this.opacity, coarse: this.moving });
      if (index === 0) this.pen?.paint(context);
      context.restore();
    });
  }
}
