// @ts-check
/** The tools of the heat map: its class, its opacity and its legend. */
import { byId, element, fill } from "./dom.js";
import { wholePercent } from "./format.js";
import { drawLegend, overlay } from "./heatmap.js";
import { text } from "./text.js";

/** @import { ImageCanvas } from "./canvas.js" */
/** @import { Explanation } from "./imageview.js" */
/** @import { HeatMap } from "./types.js" */

const FIRST_OPACITY = 0.5;

export class HeatMapTools {
  /**
   * @param {ImageCanvas} canvas
   * @param {() => void} onChange called when the heat map has changed
   */
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.chooser = element("select", { id: "heat-map-class" });
    this.slider = element("input", {
      type: "range", id: "opacity", min: "0", max: "100", step: "5",
      "data-label": "imageTools.heatMap.opacity", "data-title": "imageTools.heatMap.opacity", "aria-describedby": "heat-map-meaning",
    });
    this.sliderValue = element("output", { htmlFor: "opacity", id: "opacity-value" });
    const legend = element("canvas", { width: 96, height: 1, "aria-hidden": "true" });
    drawLegend(legend);
    this.element = element(
      "div",
      { className: "heat-map-tools", id: "heat-map-tools", hidden: true },
      element("label", { htmlFor: "heat-map-class", "data-text": "imageTools.heatMap.class" }),
      this.chooser,
      this.slider,
      this.sliderValue,
      element(
        "p",
        { className: "legend", id: "heat-map-meaning" },
        element("span", { "data-text": "imageTools.heatMap.weak" }),
        legend,
        element("span", { "data-text": "imageTools.heatMap.strong" }),
      ),
    );
    /** @type {Explanation | null} */
    this.explanation = null;
    /** The opacity to restore when the heat map is shown again. */
    this.shown = FIRST_OPACITY;
    this.slider.addEventListener("input", () => this.fade(this.slider.valueAsNumber / 100));
    this.chooser.addEventListener("change", () => this.choose(this.chooser.value));
    this.fade(FIRST_OPACITY);
  }

  /** @param {number} opacity 0 to 1 */
  fade(opacity) {
    this.canvas.opacity = opacity;
    if (opacity > 0) this.shown = opacity;
    this.slider.value = String(Math.round(opacity * 100));
    this.sliderValue.value = wholePercent(opacity);
    this.slider.setAttribute("aria-valuetext", wholePercent(opacity));
    this.canvas.draw();
    this.onChange();
  }

  toggle() {
    this.fade(this.canvas.opacity > 0 ? 0 : this.shown);
  }

  clear() {
    this.explanation = null;
    this.element.hidden = true;
  }

  /** @param {HeatMap | null | undefined} heatMap of the first image, and of its model input beside it */
  draw(heatMap) {
    const { panes } = this.canvas;
    const [first] = panes;
    const made = heatMap && first ? overlay(heatMap, first.outline.width / first.outline.height) : null;
    for (const pane of panes) if (pane.outline === first.outline) pane.overlay = made;
    this.canvas.draw();
  }

  /** @param {Explanation} explanation */
  show(explanation) {
    this.explanation = explanation;
    this.draw(explanation.heatMap);
    this.element.hidden = !this.canvas.overlay;
    fill(this.chooser, ...explanation.classes.map(({ name, title }) => element("option", { value: name }, title)));
    this.chooser.value = explanation.label ?? "";
  }

  /** The title of the class whose evidence is shown. */
  get evidence() {
    return this.chooser.selectedOptions[0]?.textContent ?? "";
  }

  /** @param {string} label */
  async choose(label) {
    const { explanation } = this;
    if (!explanation) return;
    this.element.ariaBusy = "true";
    try {
      const heatMap = label === explanation.label ? explanation.heatMap : await explanation.fetch(label);
      if (this.explanation !== explanation || this.chooser.value !== label) return;
      this.draw(heatMap);
    } catch {
      // The model has changed, or the server cannot be reached: go back to the map of the predicted class.
      if (this.explanation !== explanation) return;
      this.chooser.value = explanation.label ?? "";
      this.draw(explanation.heatMap);
      byId("caption", HTMLElement).textContent = text.imageTools.heatMap.unavailable;
    } finally {
      this.element.ariaBusy = "false";
      this.onChange();
    }
  }
}
