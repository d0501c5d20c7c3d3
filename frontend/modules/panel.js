// @ts-check
/** The panel beside the light box: a result, or the description of the chosen task. */
import { byId, element, fill } from "./dom.js";
import { describeTask, modalityTitle, taskText } from "./tasks.js";
import { text } from "./text.js";

/** @import { Task } from "./types.js" */

export class Panel {
  constructor() {
    this.section = byId("result", HTMLElement);
    this.eyebrow = byId("result-eyebrow", HTMLElement);
    this.heading = byId("result-heading", HTMLElement);
    this.body = byId("result-body", HTMLElement);
    this.brief = byId("brief", HTMLElement);
  }

  /**
   * @param {string | HTMLElement} eyebrow small text above the heading
   * @param {string | HTMLElement} heading
   * @param {...Node} content
   */
  show(eyebrow, heading, ...content) {
    this.section.hidden = false;
    fill(this.eyebrow, eyebrow);
    fill(this.heading, heading);
    const focused = document.activeElement;
    fill(this.body, ...content);
    this.showBrief();
    // The same form may have moved.
    if (focused instanceof HTMLElement && this.body.contains(focused)) focused.focus({ preventScroll: true });
    document.title = text.page.title(this.heading.textContent ?? "");
  }

  /** Repeat the answer directly below the image: on a phone, the tools are between it and this panel. */
  showBrief() {
    const [probability, verdict] = [".probability", ".verdict > h3"].map((part) => this.body.querySelector(part));
    this.brief.className = `brief ${verdict?.parentElement?.classList[1] ?? ""}`;
    fill(this.brief, ...(probability && verdict ? [element("b", {}, this.heading.textContent), ` · ${probability.textContent} · ${verdict.textContent}`] : []));
  }

  /** @param {Task | undefined} task hides the panel if undefined */
  showTask(task) {
    if (task) this.show(modalityTitle(task.modality), taskText(task), ...describeTask(task));
    else this.section.hidden = true;
  }

  /** Move the focus to the heading, for keyboards and screen readers. */
  focus() {
    this.heading.focus({ preventScroll: true });
  }
}
