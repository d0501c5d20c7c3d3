// @ts-check
/** The light box: shows one image as large as it fits, with its heat map over it. */
import { byId, element, fill } from "./dom.js";
import { wholePercent } from "./format.js";
import { drawLegend, overlay } from "./heatmap.js";
import { text } from "./text.js";

/** @import { HeatMap } from "./types.js" */
/** @import { Problem } from "./api.js" */
/** @import { Picture } from "./picture.js" */

const FIRST_OPACITY = 0.5;

/** An image of 50 x 50 pixels should not fill a wall screen. */
const LARGEST_ENLARGEMENT = 8;

/** Room around the image in CSS pixels: the caption stands below it. */
const MARGIN = 30;

export class LightBox {
  constructor() {
    this.film = byId("film", HTMLElement);
    this.canvas = byId("canvas", HTMLCanvasElement);
    this.invitation = byId("invitation", HTMLElement);
    this.problem = byId("problem", HTMLElement);
    this.working = byId("working", HTMLElement);
    this.workingText = byId("working-text", HTMLElement);
    this.progress = byId("progress", HTMLProgressElement);
    this.tools = byId("film-tools", HTMLElement);
    this.heatMapTools = byId("heat-map-tools", HTMLElement);
    this.slider = byId("opacity", HTMLInputElement);
    this.sliderValue = byId("opacity-value", HTMLOutputElement);
    this.caption = byId("caption", HTMLElement);
    this.label = "";
    /** @type {ImageBitmap | null} */
    this.image = null;
    /** @type {HTMLCanvasElement | null} */
    this.overlay = null;
    this.opacity = FIRST_OPACITY;
    this.slider.value = String(FIRST_OPACITY * 100);
    this.slider.addEventListener("input", () => {
      this.opacity = this.slider.valueAsNumber / 100;
      this.draw();
    });
    new ResizeObserver(() => this.draw()).observe(this.film);
    drawLegend(byId("legend", HTMLCanvasElement));
  }

  /** Take everything off. */
  clear() {
    this.image?.close();
    this.image = null;
    this.overlay = null;
    this.label = "";
    this.caption.textContent = "";
    for (const part of [this.invitation, this.problem, this.working, this.heatMapTools]) part.hidden = true;
    this.tools.hidden = false;
    this.draw();
  }

  /**
   * Say something where the image would lie, in place of all tools.
   * @param {...Node} content
   */
  invite(...content) {
    this.clear();
    fill(this.invitation, ...content);
    this.invitation.hidden = false;
    this.tools.hidden = true;
  }

  /**
   * Lay a picture on the box, whose it is from now on.
   * @param {Picture} picture
   */
  show({ image, caption }) {
    this.clear();
    this.image = image;
    this.caption.textContent = caption;
    this.draw();
  }

  /**
   * Lay the evidence for a class over the image.
   * @param {string} label the class in words
   * @param {HeatMap | null | undefined} heatMap
   */
  explain(label, heatMap) {
    this.working.hidden = true;
    this.label = label;
    this.overlay = heatMap && this.image ? overlay(heatMap, this.image.width / this.image.height) : null;
    this.heatMapTools.hidden = !this.overlay;
    if (this.image && !this.overlay) this.caption.append(` · ${text.heatMap.none}`);
    this.draw();
  }

  /**
   * Show that something is under way; the image, if any, stays.
   * @param {string} words
   * @param {number | null} share done, 0 to 1; null when nobody knows
   */
  work(words, share = null) {
    this.invitation.hidden = true;
    this.problem.hidden = true;
    this.working.hidden = false;
    this.workingText.textContent = words;
    if (share === null) this.progress.removeAttribute("value");
    else this.progress.value = share;
  }

  /**
   * @param {Problem} problem
   * @param {(() => void) | null} again what "Try again" does, where trying again can help
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

  /** Paint image and heat map at the screen's own resolution. */
  draw() {
    const { image, canvas } = this;
    canvas.hidden = !image;
    this.film.classList.toggle("lit", Boolean(image));
    this.describe();
    if (!image) return;
    const room = { width: this.film.clientWidth - 2 * MARGIN, height: this.film.clientHeight - 2 * MARGIN };
    const scale = Math.min(room.width / image.width, room.height / image.height, LARGEST_ENLARGEMENT);
    const [width, height] = [Math.max(1, image.width * scale), Math.max(1, image.height * scale)];
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    if (this.overlay && this.opacity > 0) {
      context.globalAlpha = this.opacity;
      context.drawImage(this.overlay, 0, 0, canvas.width, canvas.height);
    }
  }

  /** Say in words what the canvas shows. */
  describe() {
    const opacity = wholePercent(this.opacity);
    this.sliderValue.value = opacity;
    this.slider.setAttribute("aria-valuetext", opacity);
    const { label } = this;
    const words = this.overlay ? text.lightBox.describeOverlay(label, opacity) : text.lightBox.describe(label);
    this.canvas.setAttribute("aria-label", label ? words : text.lightBox.waiting);
  }
}
