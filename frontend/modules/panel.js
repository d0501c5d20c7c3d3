// @ts-check
/** The panel beside the light box: a result, or the description of the chosen task. */
import { serverText, byId, fill } from "./dom.js";
import { describeTask, modalityTitle } from "./tasks.js";
import { text } from "./text.js";

/** @import { Task } from "./types.js" */

export class Panel {
  constructor() {
    this.section = byId("result", HTMLElement);
    this.eyebrow = byId("result-eyebrow", HTMLElement);
    this.heading = byId("result-heading", HTMLElement);
    this.body = byId("result-body", HTMLElement);
  }

  /**
   * @param {string} eyebrow small text above the heading
   * @param {string | HTMLElement} heading
   * @param {...Node} content
   */
  show(eyebrow, heading, ...content) {
    this.section.hidden = false;
    fill(this.eyebrow, serverText(eyebrow));
    fill(this.heading, heading);
    fill(this.body, ...content);
    document.title = text.page.title(this.heading.textContent ?? "");
  }

  /** @param {Task | undefined} task hides the panel if undefined */
  showTask(task) {
    if (task) this.show(modalityTitle(task.modality), serverText(task.title), ...describeTask(task));
    else this.section.hidden = true;
  }

  /** Move the focus to the heading, for keyboards and screen readers. */
  focus() {
    this.heading.focus({ preventScroll: true });
  }
}
