// @ts-check
/** The model input beside the image. */
import { Pane } from "./pane.js";
import { toolButton } from "./toolbutton.js";

/** @import { ImageView } from "./imageview.js" */

export class ModelInput {
  /** @param {ImageView} view */
  constructor(view) {
    this.view = view;
    this.button = toolButton("compare", () => this.toggle(), { key: "b", toggles: true });
  }

  /** Show or hide it. */
  async toggle() {
    const { view } = this;
    const { explanation, canvas } = view;
    if (!explanation || this.button.hidden) return;
    view.comparison?.end();
    if (canvas.panes.length > 1) return view.setBeside(null);
    const picture = await explanation.prepared();
    // Another image may be there by now, or another result beside this one.
    if (!picture || view.explanation !== explanation || view.comparison) return;
    view.setBeside(new Pane(picture.image, canvas.panes[0]), picture.caption);
  }

  update() {
    const [own, beside] = this.view.canvas.panes;
    this.button.ariaPressed = String(Boolean(beside) && beside.outline === own.outline);
  }
}
