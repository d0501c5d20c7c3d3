// @ts-check
/** Leafs through the frames of a file. Loaded with the first file that has several. */
import { announce, notify } from "./announcer.js";
import { element } from "./dom.js";
import { count } from "./format.js";
import { text } from "./text.js";

/** @import { ImageCanvas } from "./canvas.js" */
/** @import { Frames } from "./picture.js" */

/** Time after which a frame that is still loading is said to be. */
const IMPATIENCE_MS = 200;

export class FrameTools {
  /**
   * @param {ImageCanvas} canvas with the frame that is classified
   * @param {Frames} frames
   * @param {() => void} onChange called when another frame is shown
   */
  constructor(canvas, frames, onChange) {
    this.canvas = canvas;
    this.frames = frames;
    this.onChange = onChange;
    this.pane = canvas.panes[0];
    /** Frame that is wanted, and the one that is shown. */
    this.number = this.shown = frames.classified;
    this.loading = false;
    this.left = new AbortController();
    const { numbers } = frames;
    this.slider = element("input", { type: "range", id: "frame", min: "1", max: String(numbers.length) });
    this.position = element("output", { htmlFor: "frame" });
    const { label, back, backHint, wheel, hint, kept } = text.picture.frames;
    this.back = element("button", { type: "button", title: backHint }, back);
    const few = numbers.length < frames.count ? ` ${kept(count(numbers.length), count(frames.count))}` : "";
    this.element = element(
      "div",
      { className: "tool-menu frame-tools", id: "frame-tools" },
      element("label", { htmlFor: "frame" }, label),
      this.slider,
      this.position,
      this.back,
      element("p", { className: "small-print" }, element("span", { className: "wheel-hint" }, `${wheel} `), hint, few),
    );
    this.slider.addEventListener("input", () => this.go(numbers[this.slider.valueAsNumber - 1]));
    this.back.addEventListener("click", () => this.go(frames.classified));
    canvas.element.addEventListener("wheel", (event) => this.turn(event), { capture: true, passive: false, signal: this.left.signal });
    this.update();
  }

  /** The image is left. */
  leave() {
    this.left.abort();
    this.element.remove();
  }

  /** @param {WheelEvent} event that zooms without Shift */
  turn(event) {
    if (!event.shiftKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    // With Shift, some systems report the wheel as horizontal.
    this.step(Math.sign(event.deltaY || event.deltaX));
  }

  /** @param {number} by how many frames */
  step(by) {
    const { numbers } = this.frames;
    const place = numbers.indexOf(this.number) + by;
    this.go(numbers[Math.min(Math.max(place, 0), numbers.length - 1)]);
    announce(`${text.picture.frames.label} ${this.describe()}`);
  }

  /** @param {number} number of a frame that can be shown */
  async go(number) {
    this.number = number;
    this.update();
    // Frames that are passed while one loads are not worth loading.
    if (this.loading) return;
    this.loading = true;
    const late = setTimeout(() => this.update(), IMPATIENCE_MS);
    while (this.number !== this.shown && !this.left.signal.aborted) await this.load(this.number);
    clearTimeout(late);
    this.loading = false;
    this.update();
  }

  /** @param {number} number */
  async load(number) {
    const image = await this.frames.read(number).catch(() => null);
    if (this.canvas.panes[0] !== this.pane) return this.left.abort();
    if (image) {
      this.pane.image.replace(image);
      this.pane.isExplained = number === this.frames.classified;
      this.shown = number;
      this.canvas.changed();
      this.onChange();
    } else if (number === this.number) {
      this.number = this.shown;
      notify(text.picture.frames.failed, { failed: true });
    }
  }

  /** @param {string} [remark] by default which frame the model saw */
  describe(remark) {
    const { position, modelSaw, modelSawThis } = text.picture.frames;
    const { classified } = this.frames;
    const seen = this.number === classified ? modelSawThis : modelSaw(count(classified));
    return `${position(count(this.number), count(this.frames.count))} (${remark ?? seen})`;
  }

  update() {
    const isLate = this.loading && this.number !== this.shown;
    this.slider.value = String(this.frames.numbers.indexOf(this.number) + 1);
    this.position.value = this.describe(isLate ? text.picture.frames.loading : undefined);
    this.slider.setAttribute("aria-valuetext", this.describe());
    this.back.disabled = this.number === this.frames.classified;
  }
}
