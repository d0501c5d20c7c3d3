// @ts-check
/** The image on the light box with its tools; loaded with the first image. */
import { ImageCanvas } from "./canvas.js";
import { addStyles, byId, element, fillStaticText } from "./dom.js";
import { wholePercent } from "./format.js";
import { HeatMapTools } from "./heatmaptools.js";
import { Hint } from "./hint.js";
import { MeasureTools } from "./measuretools.js";
import { ModelInput } from "./modelinput.js";
import { Pane } from "./pane.js";
import { readoutOf } from "./readout.js";
import { loadTextsOf, text } from "./text.js";
import { toolButton } from "./toolbutton.js";
import { ToolMenus } from "./toolmenus.js";
import { ViewTools } from "./viewtools.js";
import { WindowTools } from "./windowtools.js";

/** @import { Comparison } from "./comparison.js" */
/** @import { FrameTools } from "./frametools.js" */
/** @import { HeatMap, Source, Task } from "./types.js" */
/** @import { Kind } from "./measurements.js" */
/** @import { Frames, Picture } from "./picture.js" */

await Promise.all([loadTextsOf("imagetools"), addStyles("tools")]);

/**
 * @typedef {object} Explanation
 * @property {string} title of the predicted class
 * @property {string | null} label predicted class
 * @property {HeatMap | null | undefined} heatMap of the predicted class
 * @property {{name: string, title: string}[]} classes that have a heat map
 * @property {(label: string) => Promise<HeatMap>} fetch
 * @property {() => Promise<Picture | null>} prepared the model input
 * @property {Source | null} source facts of the image file
 * @property {() => void} [compare] shows another result beside this one, or no longer; only for results that are in a list
 */

export class ImageView {
  constructor() {
    this.area = byId("image-area", HTMLElement);
    this.caption = byId("caption", HTMLElement);
    this.preparedCaption = byId("prepared-caption", HTMLElement);
    this.element = byId("canvas", HTMLCanvasElement);
    this.canvas = new ImageCanvas(this.area, this.element, () => this.describe());
    /** @type {Explanation | null} */
    this.explanation = null;
    /** Of the image. @type {Task | undefined} */
    this.task = undefined;
    /** Of a file with several frames. @type {FrameTools | null} */
    this.frames = null;
    this.hint = new Hint();
    this.readout = element("p", { className: "readout", id: "grey" });
    const value = element("p", { className: "readout", id: "value" });
    this.readouts = element("div", { className: "readouts" }, value, this.hint.element, this.readout);
    this.modelInput = new ModelInput(this);
    this.sideBySide = toolButton("sideBySide", () => this.toggleComparison(), { key: "v", toggles: true });
    /** With another result. @type {Comparison | null} */
    this.comparison = null;
    this.windows = new WindowTools(this.canvas);
    this.viewing = new ViewTools(this.canvas, [this.sideBySide, this.modelInput.button]);
    this.measuring = new MeasureTools(this.canvas, value);
    this.menus = new ToolMenus([
      { id: "window", element: this.windows.element, onToggle: (open) => this.use(open ? "window" : "auto") },
      { id: "measure", element: this.measuring.element, onToggle: (open) => (open ? this.measuring.use("length") : this.stopMeasuring()) },
      { id: "view", element: this.viewing.element },
    ]);
    this.tools = element(
      "div",
      { className: "image-tools", id: "image-tools" },
      element(
        "div",
        { className: "tool-group zoom" },
        toolButton("reduce", () => this.canvas.step(-1), { key: "-", sign: "−" }),
        toolButton("enlarge", () => this.canvas.step(1), { key: "+", sign: "+" }),
        toolButton("fit", () => this.canvas.fit(), { key: "f" }),
      ),
      this.menus.buttons,
      ...this.menus.elements,
    );
    this.heatMap = new HeatMapTools(this.canvas, () => this.describe());
    this.area.append(this.readouts);
    byId("light-box-tools", HTMLElement).append(this.tools, this.heatMap.element);
    // Not the whole page: its headings have other texts by now.
    fillStaticText(byId("light-box", HTMLElement));
    this.clear();
  }

  get hasImage() {
    return this.canvas.panes.length > 0;
  }

  /** @param {string} key of a shortcut, in lower case */
  press(key) {
    const { canvas, viewing } = this;
    const actions = /** @type {Record<string, () => void>} */ ({
      "+": () => canvas.step(1),
      "-": () => canvas.step(-1),
      f: () => canvas.fit(),
      0: () => canvas.reset(),
      i: () => canvas.invert(),
      w: () => this.windows.step(),
      h: () => this.heatMap.toggle(),
      b: () => this.modelInput.toggle(),
      v: () => this.toggleComparison(),
      n: () => this.comparison?.step(1),
      z: () => this.comparison?.step(-1),
      l: () => this.comparison?.toggleLink(),
      x: () => viewing.mirror(),
      y: () => viewing.flip(),
      r: () => viewing.turn(1),
      s: () => viewing.toggleFullScreen(),
      m: () => this.measure("length"),
      a: () => this.measure("rectangle"),
      e: () => this.measure("ellipse"),
      ",": () => this.frames?.step(-1),
      ".": () => this.frames?.step(1),
    });
    actions[key]();
  }

  /** @param {ImageCanvas["tool"]} tool what dragging does */
  use(tool) {
    this.canvas.tool = tool;
    this.describe();
  }

  /** @param {Kind} kind */
  measure(kind) {
    this.menus.open("measure");
    this.measuring.use(kind);
  }

  stopMeasuring() {
    this.measuring.leave();
    this.use("auto");
  }

  clear() {
    this.windows.leave();
    this.frames?.leave();
    this.frames = null;
    this.comparison?.end();
    this.canvas.setPanes();
    this.explanation = null;
    this.heatMap.clear();
    this.caption.textContent = this.preparedCaption.textContent = "";
    this.modelInput.button.hidden = this.sideBySide.hidden = true;
    this.describe();
  }

  /**
   * @param {Picture} picture
   * @param {Task} [task] of the image
   * @param {Pane[]} [beside] another image that stays
   */
  show({ image, own, caption, windows, frames }, task, beside = []) {
    const source = image.samples?.source;
    this.canvas.setPanes(new Pane(image), ...beside);
    if (frames) this.offer(frames);
    this.task = task;
    this.windows.offer(windows ?? [], task, source?.modality);
    this.windows.carryOver();
    this.measuring.begin(source, own);
    this.caption.textContent = caption;
    this.describe();
  }

  /** @param {() => Promise<Frames | null>} frames loads those of the image's file */
  async offer(frames) {
    const [pane] = this.canvas.panes;
    const [{ FrameTools }, known] = await Promise.all([import("./frametools.js"), frames()]);
    if (this.canvas.panes[0] !== pane || !known) return;
    this.frames = new FrameTools(this.canvas, known, () => {
      this.measuring.show();
      this.describe();
    });
    this.tools.after(this.frames.element);
  }

  /**
   * @param {Explanation} explanation
   * @param {boolean} own whether the image is the user's own file
   */
  explain(explanation, own) {
    this.explanation = explanation;
    this.heatMap.show(explanation);
    if (this.hasImage) this.measuring.learn(explanation.source, own);
    this.modelInput.button.hidden = !own || !this.hasImage;
    this.sideBySide.hidden = !explanation.compare || !this.hasImage;
    // The heat map of an image that is read blind is hidden, which is no lack.
    if (this.hasImage && explanation.label !== null && !this.canvas.overlay) this.caption.append(` · ${text.imageTools.heatMap.none}`);
    this.describe();
  }

  /**
   * Show a better picture of the same image, as the image is shown now.
   * @param {Picture} picture
   */
  improve(picture) {
    const { explanation } = this;
    const [pane, ...beside] = this.canvas.panes;
    if (!explanation || !pane) return;
    this.show(picture, this.task, beside);
    this.canvas.panes[0].viewport = pane.viewport;
    this.explain(explanation, picture.own);
  }

  /** Show another result beside the image, or no longer. */
  toggleComparison() {
    if (!this.sideBySide.hidden) this.explanation?.compare?.();
  }

  /**
   * Show something beside the image, in place of what is there.
   * @param {Pane | null} pane null: nothing
   * @param {string} [caption]
   */
  setBeside(pane, caption = "") {
    const [own] = this.canvas.panes;
    this.canvas.setPanes(own, ...(pane ? [pane] : []));
    this.preparedCaption.textContent = caption;
    this.describe();
  }

  /** Update the text alternative of the canvas, the readout and the state of the tools. */
  describe() {
    const { canvas, explanation, hasImage } = this;
    this.tools.hidden = this.readouts.hidden = !hasImage;
    const description = canvas.overlay
      ? text.imageTools.describeOverlay(explanation?.title ?? "", this.heatMap.evidence, wholePercent(canvas.opacity))
      : explanation?.label === null ? text.imageTools.unread : text.imageTools.describe(explanation?.title ?? "");
    const all = [explanation ? description : text.imageTools.waiting, this.comparison?.description];
    this.element.setAttribute("aria-label", all.filter(Boolean).join(". "));
    this.area.dataset.tool = canvas.tool;
    this.area.setAttribute("aria-label", hasImage ? text.imageTools.imageLabel : text.lightBox.heading);
    this.modelInput.update();
    this.sideBySide.ariaPressed = String(this.comparison !== null);
    const pane = canvas.current;
    if (!pane) return;
    this.readout.textContent = readoutOf(pane);
    this.hint.learn(pane);
    this.windows.update();
    this.viewing.update();
    this.comparison?.update();
  }
}
