// @ts-check
/** The sheet for models and retraining, shown in place of the light box. */
import { Problem } from "./api.js";
import { byId, element, fill } from "./dom.js";
import { markedMessage } from "./reasons.js";
import { isTransient } from "./retry.js";
import { text } from "./text.js";

/** @import { Child } from "./dom.js" */

export class Sheet {
  constructor() {
    this.main = byId("main", HTMLElement);
    this.section = byId("sheet", HTMLElement);
    this.trail = byId("sheet-trail", HTMLElement);
    this.heading = byId("sheet-heading", HTMLElement);
    this.body = byId("sheet-body", HTMLElement);
    /** Aborted when another view is shown. */
    this.work = new AbortController();
  }

  get isOpen() {
    return !this.section.hidden;
  }

  /** Close the sheet; the light box is visible again. */
  close() {
    this.work.abort();
    this.section.hidden = true;
    delete this.main.dataset.location;
  }

  /**
   * Show a new view.
   * @param {object} view
   * @param {string | HTMLElement} view.heading
   * @param {Child[]} [view.trail] small text above the heading
   * @param {Child[]} view.content
   * @param {boolean} view.focus whether to move the focus to the heading
   * @returns {AbortSignal} aborted when another view is shown
   */
  show({ heading, trail = [], content, focus }) {
    this.work.abort();
    this.work = new AbortController();
    this.section.hidden = false;
    this.main.dataset.location = "sheet";
    fill(this.trail, ...trail);
    fill(this.heading, heading);
    fill(this.body, ...content);
    document.title = text.page.title(this.heading.textContent ?? "");
    if (focus) {
      this.section.scrollTop = 0;
      scrollTo(0, 0);
      this.heading.focus({ preventScroll: true });
    }
    return this.work.signal;
  }
}

/**
 * A part of a view that is filled when its data has loaded. Errors are shown in its place.
 * @param {() => Promise<Child[]>} load
 * @param {Record<string, unknown>} [properties] of its element
 */
export function part(load, properties = {}) {
  const box = element("div", properties);
  const begin = async () => {
    fill(box, element("p", { className: "soft" }, text.page.loading));
    try {
      fill(box, ...(await load()));
    } catch (error) {
      fill(box, note(error, begin));
    }
  };
  begin();
  return box;
}

/**
 * An error message, with a retry button if a retry can help.
 * @param {unknown} error
 * @param {(() => void) | null} [again]
 */
export function note(error, again = null) {
  // An error that is not a Problem is a bug of the page: log it, and show a general message.
  if (!(error instanceof Problem)) console.error(error);
  const problem = error instanceof Problem ? error : new Problem(text.problem.server);
  const retry = element("button", { type: "button", className: "quiet", onclick: again }, text.problem.again);
  return element(
    "div",
    { className: "verdict bad", role: "alert" },
    element("p", {}, ...markedMessage(problem.message)),
    again && isTransient(problem) && retry,
    problem.requestId && element("p", { className: "small-print" }, text.problem.requestId(problem.requestId)),
  );
}
