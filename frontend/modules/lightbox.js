// @ts-check
/** The light box: an image with its tools; or a message, a problem, or progress. */
import { byId, element, fill } from "./dom.js";
import { ImageCanvas } from "./canvas.js";
import { count, wholePercent } from "./format.js";
import { drawLegend } from "./heatmap.js";
import { text } from "./text.js";

/** @import { HeatMap } from "./types.js" */
/** @import { Problem } from "./api.js" */
/** @import { Picture } from "./picture.js" */

const FIRST_OPACITY = 0.5;

/**
 * @typedef {object} Explanation
 * @property {string} title of the predicted class
 * @property {string | null} label predicted class
 * @property {HeatMap | null | undefined} heatMap of the predicted class
 * @property {{name: string, title: string}[]} classes that have a heat map
 * @property {(label: string) => Promise<HeatMap>} fetch
 * @property {() => Promise<Picture | null>} prepared the model input
 */

export class LightBox {
  constructor() {
    this.canvas = byId("canvas", HTMLCanvasElement);
    this.message = byId("message", HTMLElement);
    this.problem = byId("problem", HTMLElement);
    this.working = byId("working", HTMLElement);
    this.workingText = byId("working-text", HTMLElement);
    this.progress = byId("progress", HTMLProgressElement);
    this.tools = byId("light-box-tools", HTMLElement);
    this.imageTools = byId("image-tools", HTMLElement);
    this.heatMapTools = byId("heat-map-tools", HTMLElement);
    this.heatMapClass = byId("heat-map-class", HTMLSelectElement);
    this.slider = byId("opacity", HTMLInputElement);
    this.sliderValue = byId("opacity-value", HTMLOutputElement);
    this.caption = byId("caption", HTMLElement);
    this.preparedCaption = byId("prepared-caption", HTMLElement);
    this.grey = byId("grey", HTMLElement);
    this.compare = byId("compare", HTMLButtonElement);
    this.imageCanvas = new ImageCanvas(byId("image-area", HTMLElement), this.canvas, () => this.describe());
    /** @type {Explanation | null} */
    this.explanation = null;
    /** The opacity to restore when the heat map is shown again. */
    this.shown = FIRST_OPACITY;
    this.slider.value = String(FIRST_OPACITY * 100);
    this.slider.addEventListener("input", () => this.fade(this.slider.valueAsNumber / 100));
    this.heatMapClass.addEventListener("change", () => this.explainClass(this.heatMapClass.value));
    this.compare.addEventListener("click", () => this.toggleCompare());
    for (const [id, action] of Object.entries(this.actions())) byId(id, HTMLButtonElement).addEventListener("click", action);
    drawLegend(byId("legend", HTMLCanvasElement));
    this.fade(FIRST_OPACITY);
  }

  /** Actions of the buttons with these ids. */
  actions() {
    const { imageCanvas } = this;
    return {
      "zoom-in": () => imageCanvas.step(1),
      "zoom-out": () => imageCanvas.step(-1),
      fit: () => imageCanvas.reset(true),
      invert: () => imageCanvas.invert(),
      "tool-window": () => this.choose("window"),
      "tool-move": () => this.choose("move"),
    };
  }

  /** @param {"window" | "move"} tool */
  choose(tool) {
    this.imageCanvas.tool = this.imageCanvas.tool === tool ? "auto" : tool;
    this.describe();
  }

  /** @param {number} opacity 0 to 1 */
  fade(opacity) {
    this.imageCanvas.opacity = opacity;
    if (opacity > 0) this.shown = opacity;
    this.slider.value = String(Math.round(opacity * 100));
    this.imageCanvas.draw();
    this.describe();
  }

  toggleHeatMap() {
    this.fade(this.imageCanvas.opacity > 0 ? 0 : this.shown);
  }

  /** Remove everything. */
  clear() {
    this.imageCanvas.setImages();
    this.explanation = null;
    this.caption.textContent = this.preparedCaption.textContent = "";
    for (const part of [this.message, this.problem, this.working, this.heatMapTools, this.compare]) part.hidden = true;
    this.compare.ariaPressed = "false";
    this.tools.hidden = false;
    this.describe();
  }

  /**
   * Show a message in place of the image and the tools.
   * @param {...Node} content
   */
  showMessage(...content) {
    this.clear();
    fill(this.message, ...content);
    this.message.hidden = false;
    this.tools.hidden = true;
  }

  /** Show a result without its picture. The tools stay, to go on with. */
  showNoImage() {
    this.clear();
    fill(this.message, element("p", {}, text.lightBox.noImage));
    this.message.hidden = false;
  }

  /**
   * Show a picture. The light box owns it from now on and closes it.
   * @param {Picture} picture
   */
  show({ image, caption }) {
    this.clear();
    this.imageCanvas.setImages(image);
    this.caption.textContent = caption;
    this.describe();
  }

  /**
   * Show the heat map of the predicted class over the image.
   * @param {Explanation} explanation
   * @param {boolean} own whether this is the user's own file, so that the model input can be shown beside it
   */
  explain(explanation, own) {
    this.working.hidden = true;
    this.explanation = explanation;
    this.imageCanvas.setHeatMap(explanation.heatMap);
    const { overlay, images } = this.imageCanvas;
    this.heatMapTools.hidden = !overlay;
    this.compare.hidden = !own || images.length === 0;
    fill(this.heatMapClass, ...explanation.classes.map(({ name, title }) => element("option", { value: name }, title)));
    this.heatMapClass.value = explanation.label ?? "";
    if (images.length && !overlay) this.caption.append(` · ${text.heatMap.none}`);
    this.describe();
  }

  /** @param {string} label */
  async explainClass(label) {
    const { explanation } = this;
    if (!explanation) return;
    this.heatMapTools.ariaBusy = "true";
    try {
      const heatMap = label === explanation.label ? explanation.heatMap : await explanation.fetch(label);
      if (this.explanation !== explanation || this.heatMapClass.value !== label) return;
      this.imageCanvas.setHeatMap(heatMap);
    } catch {
      // The model has changed, or the server cannot be reached: go back to the map of the predicted class.
      if (this.explanation !== explanation) return;
      this.heatMapClass.value = explanation.label ?? "";
      this.imageCanvas.setHeatMap(explanation.heatMap);
      this.caption.textContent = text.heatMap.unavailable;
    } finally {
      this.heatMapTools.ariaBusy = "false";
      this.describe();
    }
  }

  /** Show or hide the model input beside the image. */
  async toggleCompare() {
    const { explanation, imageCanvas } = this;
    if (!explanation || this.compare.hidden) return;
    const [own, prepared] = imageCanvas.images;
    if (prepared) {
      imageCanvas.setImages(own);
      this.preparedCaption.textContent = "";
    } else {
      const picture = await explanation.prepared();
      if (this.explanation !== explanation || !picture) return;
      imageCanvas.setImages(own, picture.image);
      this.preparedCaption.textContent = picture.caption;
    }
    this.compare.ariaPressed = String(imageCanvas.images.length > 1);
    this.describe();
  }

  /**
   * Show progress; an image stays visible.
   * @param {string} message
   * @param {number | null} share done, 0 to 1; null if unknown
   */
  showProgress(message, share = null) {
    this.message.hidden = true;
    this.problem.hidden = true;
    this.working.hidden = false;
    this.workingText.textContent = message;
    if (share === null) this.progress.removeAttribute("value");
    else this.progress.value = share;
  }

  /**
   * @param {Problem} problem
   * @param {(() => void) | null} again action of "Try again"; null if a retry cannot help
   * @param {boolean} usable whether another image can be chosen instead
   */
  fail(problem, again, usable) {
    this.clear();
    this.tools.hidden = !usable;
    const retry = element("button", { type: "button", className: "quiet" }, text.problem.again);
    if (again) retry.addEventListener("click", again);
    fill(
      this.problem,
      element("h3", {}, text.problem.heading),
      element("p", {}, problem.message),
      again && retry,
      problem.requestId && element("p", { className: "small-print" }, text.problem.requestId(problem.requestId)),
    );
    this.problem.hidden = false;
  }

  /** Update the text alternative of the canvas and the state of the tools. */
  describe() {
    const { imageCanvas, explanation } = this;
    const opacity = wholePercent(imageCanvas.opacity);
    this.sliderValue.value = opacity;
    this.slider.setAttribute("aria-valuetext", opacity);
    this.imageTools.hidden = imageCanvas.images.length === 0;
    const evidence = this.heatMapClass.selectedOptions[0]?.textContent ?? "";
    const description = imageCanvas.overlay
      ? text.lightBox.describeOverlay(explanation?.title ?? "", evidence, opacity)
      : text.lightBox.describe(explanation?.title ?? "");
    this.canvas.setAttribute("aria-label", explanation ? description : text.lightBox.waiting);
    const [image] = imageCanvas.images;
    byId("invert", HTMLButtonElement).ariaPressed = String(Boolean(image?.inverted));
    for (const tool of ["window", "move"]) byId(`tool-${tool}`, HTMLButtonElement).ariaPressed = String(imageCanvas.tool === tool);
    imageCanvas.element.dataset.tool = imageCanvas.tool;
    imageCanvas.element.setAttribute("aria-label", image ? text.lightBox.imageLabel : text.lightBox.heading);
    this.grey.textContent = image ? windowText(image.window, imageCanvas.scale) : "";
  }
}

/**
 * @param {{low: number, high: number}} window
 * @param {number} scale
 */
function windowText({ low, high }, scale) {
  return text.lightBox.grey(count(high - low), count((high + low) / 2), wholePercent(scale));
}
