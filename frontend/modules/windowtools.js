// @ts-check
/** The tools for grey levels: windows to choose from, width and level as numbers, inversion, and what the next image keeps. */
import { element, fill } from "./dom.js";
import { prefer, preference } from "./preferences.js";
import { text } from "./text.js";
import { toolButton } from "./toolbutton.js";
import { USUAL, taskWindows, windowBetween, windowOf } from "./windows.js";

/** @import { ImageCanvas } from "./canvas.js" */
/** @import { Task } from "./types.js" */
/** @import { NamedWindow } from "./windows.js" */
/** @import { Window, WindowedImage } from "./windowing.js" */

const KEEP = "window";

/** The choices that every image has. */
const OWN = /** @type {const} */ (["initial", "percentiles", "full"]);

export class WindowTools {
  /** @param {ImageCanvas} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.chooser = element("select", { id: "window-choice" });
    this.width = numberField("window-width", () => this.set());
    this.level = numberField("window-level", () => this.set());
    this.invert = toolButton("invert", () => canvas.invert(), { key: "i", toggles: true });
    this.keep = element("input", { type: "checkbox", id: "keep-window", checked: preference(KEEP) === "keep" });
    this.element = element(
      "div",
      {},
      element("label", { htmlFor: "window-choice", "data-text": "imageTools.windows.label" }),
      this.chooser,
      element("label", { htmlFor: "window-width", "data-text": "imageTools.windows.width" }),
      this.width,
      element("label", { htmlFor: "window-level", "data-text": "imageTools.windows.level" }),
      this.level,
      this.invert,
      element("label", { className: "checkbox" }, this.keep, element("span", { "data-text": "imageTools.windows.keep" })),
      element("p", { className: "small-print", "data-text": "imageTools.windows.drag" }),
    );
    /** The windows of the open image's file and task, and usual ones. @type {NamedWindow[]} */
    this.named = [];
    /** The choice for an image, and the window that it gave. @type {WeakMap<WindowedImage, {choice: string, window: Window}>} */
    this.applied = new WeakMap();
    /** What the image before left. @type {ReturnType<WindowTools["stateOf"]> | null} */
    this.left = null;
    this.chooser.addEventListener("change", () => this.choose(this.chooser.value));
    this.keep.addEventListener("change", () => prefer(KEEP, this.keep.checked ? "keep" : "each"));
  }

  /**
   * Offer the windows of an image, and apply what the one before it left if that is wanted.
   * @param {NamedWindow[]} windows of its file
   * @param {Task | undefined} task
   * @param {string | null | undefined} modality
   */
  offer(windows, task, modality) {
    const usual = (USUAL[modality ?? ""] ?? []).map(({ id, ...window }) => ({ ...window, name: text.imageTools.windows.usual[id] }));
    this.named = [...windows, ...taskWindows(task, modality), ...usual];
    fill(
      this.chooser,
      ...OWN.map((value) => element("option", { value }, text.imageTools.windows[value])),
      ...this.named.map(({ name }, index) => element("option", { value: `named ${index}` }, name)),
      element("option", { value: "custom", disabled: true }, text.imageTools.windows.custom),
    );
    this.update();
  }

  /** Remember the window of an image that is left. */
  leave() {
    const image = this.canvas.panes[0]?.image;
    if (image) this.left = this.stateOf(image);
  }

  /** Apply the window of the image before, if the person wants that. */
  carryOver() {
    const image = this.canvas.panes[0]?.image;
    if (this.left && image && this.keep.checked) this.adopt(image, this.left);
  }

  /** @param {WindowedImage} image */
  stateOf(image) {
    const choice = this.choiceOf(image);
    return { choice, named: this.namedBy(choice), window: image.window, inverted: image.inverted, scale: scaleOf(image) };
  }

  /**
   * Show an image in the window of another one, as far as that suits it.
   * @param {WindowedImage} image
   * @param {ReturnType<WindowTools["stateOf"]>} state of the other one
   */
  adopt(image, { choice, named, window, inverted, scale }) {
    image.inverted = inverted;
    const share = this.named.findIndex((one) => named && "black" in named && "black" in one && one.name === named.name);
    if (choice === "percentiles" || choice === "full") this.apply(choice, image);
    else if (share >= 0) this.apply(`named ${share}`, image);
    else if (choice !== "initial" && scale === scaleOf(image)) image.window = { ...window };
    this.canvas.changed();
  }

  /** @param {string} choice value of an option */
  choose(choice) {
    const named = this.namedBy(choice);
    for (const image of this.suited(Boolean(named && "center" in named))) this.apply(choice, image);
    this.canvas.changed();
  }

  /**
   * The images that tools act on.
   * @param {boolean} sameScale only those whose values mean the same as those of the first
   */
  suited(sameScale) {
    const images = this.canvas.chosen.map(({ image }) => image);
    return images.filter((image) => !sameScale || scaleOf(image) === scaleOf(images[0]));
  }

  /**
   * @param {string} choice
   * @param {WindowedImage} image
   */
  apply(choice, image) {
    image.window = this.windowFor(choice, image);
    this.applied.set(image, { choice, window: { ...image.window } });
  }

  /**
   * @param {string} choice
   * @param {WindowedImage} image
   * @returns {Window}
   */
  windowFor(choice, image) {
    if (choice === "percentiles") return windowBetween(image.values, 0.01, 0.99);
    if (choice === "full") return windowBetween(image.values, 0, 1);
    const named = this.namedBy(choice);
    return named ? windowOf(named, image) : { ...image.first };
  }

  /** @param {string} choice */
  namedBy(choice) {
    return this.named[Number(choice.replace("named ", ""))];
  }

  /** Choose the next of the windows. */
  step() {
    const values = [...this.chooser.options].filter(({ disabled }) => !disabled).map(({ value }) => value);
    this.choose(values[(values.indexOf(this.chooser.value) + 1) % values.length]);
  }

  /** Apply the numbers. */
  set() {
    const [width, level] = [this.width.valueAsNumber, this.level.valueAsNumber];
    if (!(width > 0) || Number.isNaN(level)) return this.update();
    for (const image of this.suited(true)) image.window = { low: level - width / 2, high: level + width / 2 };
    this.canvas.changed();
  }

  /**
   * The choice that gave an image its window; "custom" if it was set by hand.
   * @param {WindowedImage} image
   */
  choiceOf(image) {
    const applied = this.applied.get(image);
    if (applied && isSame(image.window, applied.window)) return applied.choice;
    return isSame(image.window, image.first) ? "initial" : "custom";
  }

  /** Show the window of the image. */
  update() {
    const image = this.canvas.current?.image;
    if (!image) return;
    const { low, high } = image.window;
    this.chooser.value = this.choiceOf(image);
    if (document.activeElement !== this.width) this.width.value = String(rounded(high - low));
    if (document.activeElement !== this.level) this.level.value = String(rounded((high + low) / 2));
    this.invert.ariaPressed = String(image.inverted);
  }
}

/**
 * @param {string} id
 * @param {() => void} onChange
 */
function numberField(id, onChange) {
  const field = element("input", { type: "number", id, step: "any", inputMode: "decimal" });
  field.addEventListener("change", onChange);
  return field;
}

/** @param {number} value */
const rounded = (value) => Math.round(value * 10) / 10;

/**
 * What the values of an image mean: a window suits only images whose values mean the same.
 * @param {WindowedImage} image
 */
const scaleOf = ({ samples, bitmap }) => (bitmap || !samples ? "8 bits" : `${samples.data.BYTES_PER_ELEMENT * 8} bits ${samples.channels}`);

/**
 * @param {Window} one
 * @param {Window} other
 */
const isSame = (one, other) => one.low === other.low && one.high === other.high;
