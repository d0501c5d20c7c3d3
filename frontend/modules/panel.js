// @ts-check
/** The panel beside the light box: the reading of an image, or what the chosen task is for. */
import { apiWords, byId, fill } from "./dom.js";
import { describeTask, modalityTitle } from "./tasks.js";
import { text } from "./text.js";

/** @import { Task } from "./types.js" */

export class Panel {
  constructor() {
    this.section = byId("reading", HTMLElement);
    this.eyebrow = byId("reading-eyebrow", HTMLElement);
    this.heading = byId("reading-heading", HTMLElement);
    this.body = byId("reading-body", HTMLElement);
  }

  /**
   * @param {string} eyebrow stands small above the heading
   * @param {string | HTMLElement} heading
   * @param {...Node} content
   */
  show(eyebrow, heading, ...content) {
    this.section.hidden = false;
    fill(this.eyebrow, apiWords(eyebrow));
    fill(this.heading, heading);
    fill(this.body, ...content);
    document.title = text.page.title(this.heading.textContent ?? "");
  }

  /** @param {Task | undefined} task without one there is nothing to show */
  showTask(task) {
    if (task) this.show(modalityTitle(task.modality), apiWords(task.title), ...describeTask(task));
    else this.section.hidden = true;
  }

  /** Let whoever reads by ear or keyboard go on from the heading. */
  focus() {
    this.heading.focus({ preventScroll: true });
  }
}
