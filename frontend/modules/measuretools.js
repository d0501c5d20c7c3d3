// @ts-check
/**
 * The tools for measuring: lengths, regions and the value of a pixel, with the pointer or with the arrow keys. Measurements stay in
 * the browser, and go with the image.
 */
import { announce } from "./announcer.js";
import { element, fill } from "./dom.js";
import { paintCross, paintMeasurement } from "./measurepaint.js";
import { fullText, shortText, valueText } from "./measuretext.js";
import { text } from "./text.js";
import { toolButton } from "./toolbutton.js";

/** @import { ImageCanvas } from "./canvas.js" */
/** @import { Kind, Measurement, Scale } from "./measurements.js" */
/** @import { Pane, Place } from "./pane.js" */
/** @import { Source } from "./types.js" */

/** A shorter drag is a click, which begins a measurement that the next click ends. */
const CLICK = 4;

/** Pixels of the screen that an arrow key moves the cross; with Shift, more. */
const STEP = 1;
const WIDE_STEP = 20;

/** A value is announced when the cross stands still. */
const STILL_MS = 400;

export class MeasureTools {
  /**
   * @param {ImageCanvas} canvas
   * @param {HTMLElement} readout of the value under the pointer
   */
  constructor(canvas, readout) {
    this.canvas = canvas;
    this.readout = readout;
    /** @type {Measurement[]} */
    this.measurements = [];
    /** The one that is being drawn. @type {Measurement | null} */
    this.drawn = null;
    /** @type {Kind} */
    this.kind = "length";
    /** Where the arrow keys are, in pixels of the image. @type {Place | null} */
    this.cross = null;
    /** @type {Scale} */
    this.scale = { across: 1, down: 1, spacing: null };
    this.unit = "";
    this.timer = 0;
    this.kinds = {
      length: toolButton("length", () => this.use("length"), { key: "m", toggles: true }),
      rectangle: toolButton("rectangle", () => this.use("rectangle"), { key: "a", toggles: true }),
      ellipse: toolButton("ellipse", () => this.use("ellipse"), { key: "e", toggles: true }),
    };
    this.note = element("p", { className: "small-print" });
    this.how = element("p", { className: "small-print", "data-text": "imageTools.measuring.how" });
    this.list = element("ol", { className: "measurements" });
    this.element = element(
      "div",
      {},
      element("div", { className: "tool-group" }, ...Object.values(this.kinds)),
      this.list,
      this.note,
      this.how,
    );
    canvas.pen = this;
  }

  /** The image that is measured. */
  get pane() {
    return this.canvas.panes[0];
  }

  /**
   * Begin with an image; its measurements so far are gone.
   * @param {Source | null | undefined} source facts of its file
   * @param {boolean} own whether it is the original and not the model input, whose pixels have another size
   */
  begin(source, own) {
    this.measurements = [];
    this.drawn = this.cross = null;
    this.learn(source, own);
  }

  /**
   * @param {Source | null | undefined} source
   * @param {boolean} own
   */
  learn(source, own) {
    const size = this.pane?.image.size;
    const known = own && size && source;
    const [across, down] = known ? [source.columns / size.width, source.rows / size.height] : [1, 1];
    const spacing = (known && source.pixel_spacing) || null;
    this.scale = { across, down, spacing: spacing && [spacing[0], spacing[1]] };
    this.unit = known && source.modality === "CT" ? " HU" : "";
    const { noSpacing, ofInput } = text.imageTools.measuring;
    this.note.textContent = spacing ? "" : own ? noSpacing : ofInput;
    this.show();
  }

  /** @param {Kind} kind to draw from now on */
  use(kind) {
    this.kind = kind;
    this.drawn = null;
    this.canvas.tool = "draw";
    this.show();
    this.canvas.element.focus({ preventScroll: true });
  }

  /** Stop measuring; what was measured stays. */
  leave() {
    this.drawn = this.cross = null;
    this.show();
  }

  /**
   * @param {Place} at
   * @param {"begin" | "move" | "end" | "cancel"} phase
   */
  draw(at, phase) {
    if (this.canvas.active !== 0 || !this.pane) return;
    const place = this.placeAt(at);
    this.cross = null;
    if (phase === "begin") this.drawn = this.drawn ? { ...this.drawn, to: place } : { kind: this.kind, from: place, to: place };
    else if (!this.drawn) return;
    else if (phase === "cancel") this.drawn = null;
    else if (phase === "move") this.drawn = { ...this.drawn, to: place };
    else if (this.isDrag(this.drawn)) this.finish();
    this.show();
  }

  /** @param {Measurement} drawn */
  isDrag({ from, to }) {
    const [start, end] = [this.pane.toScreen(from), this.pane.toScreen(to)];
    return Math.hypot(end.x - start.x, end.y - start.y) >= CLICK;
  }

  /** Keep what was drawn. */
  finish() {
    if (!this.drawn) return;
    this.measurements.push(this.drawn);
    announce(this.textOf(this.drawn));
    this.drawn = null;
  }

  /** @param {Place | null} at */
  hover(at) {
    const pane = at && this.canvas.panes[this.canvas.indexAt(at)];
    this.readout.textContent = pane ? this.valueAt(pane, pane.toImage(at)) : "";
    if (!this.drawn || !at || pane !== this.pane) return;
    this.drawn = { ...this.drawn, to: this.placeAt(at) };
    this.canvas.draw();
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key was meant for measuring
   */
  press({ key, shiftKey }) {
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (direction) this.moveCross(direction, shiftKey ? WIDE_STEP : STEP);
    else if (key === "Enter" || key === " ") this.mark();
    else if (key === "Escape" && this.drawn) this.drawn = null;
    else if (key === "Delete" || key === "Backspace") this.remove(this.measurements.length - 1);
    else return false;
    this.show();
    return true;
  }

  /**
   * @param {number[]} direction right and down
   * @param {number} step in pixels of the screen; at least one of the image
   */
  moveCross([right, down], step) {
    const { pane } = this;
    const far = step * Math.max(1, pane.scale);
    const { width, height } = pane.image.size;
    const at = pane.toScreen(this.cross ?? { x: width / 2, y: height / 2 });
    this.cross = this.placeAt({ x: at.x + right * far, y: at.y + down * far });
    if (this.drawn) this.drawn = { ...this.drawn, to: this.cross };
    const value = this.valueAt(pane, this.cross);
    this.readout.textContent = value;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => announce(value), STILL_MS);
  }

  /** Begin or end at the cross. */
  mark() {
    const { width, height } = this.pane.image.size;
    this.cross ??= { x: width / 2, y: height / 2 };
    if (this.drawn) this.finish();
    else this.drawn = { kind: this.kind, from: this.cross, to: this.cross };
  }

  /** @param {number} index */
  remove(index) {
    this.measurements.splice(index, 1);
    this.show();
  }

  /**
   * The nearest place in the image.
   * @param {Place} at in CSS pixels
   */
  placeAt(at) {
    const { x, y } = this.pane.toImage(at);
    const { width, height } = this.pane.image.size;
    return { x: Math.min(Math.max(x, 0), width), y: Math.min(Math.max(y, 0), height) };
  }

  /**
   * @param {Pane} pane
   * @param {Place} place in pixels of the image
   */
  valueAt(pane, place) {
    const values = pane.image.valuesAt(place);
    const { across, down } = pane === this.pane ? this.scale : { across: 1, down: 1 };
    return values ? valueText({ x: place.x * across, y: place.y * down }, values, pane === this.pane ? this.unit : "") : "";
  }

  /** @param {Measurement} measurement */
  textOf(measurement) {
    return fullText(measurement, this.pane.image, this.scale, this.unit);
  }

  /** @param {CanvasRenderingContext2D} context */
  paint(context) {
    const { pane, drawn } = this;
    this.measurements.forEach((measurement, index) => {
      const label = shortText(measurement, pane.image, this.scale, this.unit);
      paintMeasurement(context, pane, measurement, `${index + 1}: ${label}`);
    });
    // The values in a region would take too long while it is drawn.
    if (drawn) paintMeasurement(context, pane, drawn, drawn.kind === "length" ? shortText(drawn, pane.image, this.scale, "") : "");
    if (this.cross) paintCross(context, pane, this.cross);
  }

  /** Show the measurements, on the image and as a list. */
  show() {
    const { tool } = this.canvas;
    for (const [kind, button] of Object.entries(this.kinds)) button.ariaPressed = String(tool === "draw" && kind === this.kind);
    fill(this.list, ...this.measurements.map((measurement, index) => {
      const label = text.imageTools.measuring.remove(String(index + 1));
      const remove = element("button", { type: "button", className: "link", "aria-label": label, title: label }, "×");
      remove.addEventListener("click", () => this.remove(index));
      return element("li", {}, this.textOf(measurement), " ", remove);
    }));
    this.list.hidden = this.measurements.length === 0;
    this.how.hidden = !this.list.hidden;
    this.canvas.draw();
  }
}
