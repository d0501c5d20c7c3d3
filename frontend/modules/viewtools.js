// @ts-check
/** The tools for how the image lies on the light box: orientation, panning, full screen, and what is beside it. */
import { byId, element } from "./dom.js";
import { fullScreen } from "./fullscreen.js";
import { toolButton } from "./toolbutton.js";

/** @import { ImageCanvas } from "./canvas.js" */

export class ViewTools {
  /**
   * @param {ImageCanvas} canvas
   * @param {HTMLElement[]} beside the buttons for what is shown beside the image
   */
  constructor(canvas, beside) {
    this.canvas = canvas;
    this.toggleFullScreen = fullScreen(byId("light-box", HTMLElement), (full) => (this.full.ariaPressed = String(full)));
    this.full = toolButton("fullScreen", this.toggleFullScreen, { key: "s", toggles: true });
    this.pan = toolButton("pan", () => this.togglePan(), { toggles: true });
    this.element = element(
      "div",
      {},
      element(
        "div",
        { className: "tool-group" },
        this.pan,
        toolButton("mirror", () => this.mirror(), { key: "x" }),
        toolButton("flip", () => this.flip(), { key: "y" }),
        toolButton("turnLeft", () => this.turn(-1)),
        toolButton("turnRight", () => this.turn(1), { key: "r" }),
        this.full,
        toolButton("reset", () => canvas.reset(), { key: "0" }),
      ),
      element("div", { className: "tool-group" }, ...beside),
    );
  }

  togglePan() {
    this.canvas.tool = this.canvas.tool === "move" ? "auto" : "move";
    this.canvas.onChange();
  }

  mirror() {
    this.canvas.view((viewport) => viewport.mirror());
  }

  /** Exchange top and bottom. */
  flip() {
    this.canvas.view((viewport) => {
      viewport.mirror();
      viewport.turn(2);
    });
  }

  /** @param {number} quarters clockwise */
  turn(quarters) {
    this.canvas.view((viewport) => viewport.turn(quarters));
  }

  update() {
    this.pan.ariaPressed = String(this.canvas.tool === "move");
  }
}
