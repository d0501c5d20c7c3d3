// @ts-check
/** The hint on the image how to zoom and window it, until both were done once. */
import { element } from "./dom.js";
import { prefer, preference } from "./preferences.js";

/** @import { Pane } from "./pane.js" */

const NAME = "hint";

export class Hint {
  constructor() {
    this.element = element(
      "p",
      { className: "readout", id: "hint", hidden: preference(NAME) === "known" },
      element("span", { className: "for-mouse", "data-text": "imageTools.hint" }),
      element("span", { className: "for-touch", "data-text": "imageTools.hintTouch" }),
    );
    this.zoomed = false;
    this.windowed = false;
  }

  /** @param {Pane} pane as the person has changed it */
  learn({ viewport, image }) {
    if (this.element.hidden) return;
    this.zoomed ||= viewport.zoom > 1;
    this.windowed ||= image.isWindowed;
    if (!this.zoomed || !this.windowed) return;
    this.element.hidden = true;
    prefer(NAME, "known");
  }
}
