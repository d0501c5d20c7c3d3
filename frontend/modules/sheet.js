// @ts-check
/** The sheet that lies in place of the light box while somebody reads about models and retrainings. */
import { Problem } from "./api.js";
import { byId, element, fill } from "./dom.js";
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
    /** Work for what lies here; it ends when something else does. */
    this.work = new AbortController();
  }

  get isOpen() {
    return !this.section.hidden;
  }

  /** Put the sheet away: the light box is seen again. */
  close() {
    this.work.abort();
    this.section.hidden = true;
    delete this.main.dataset.location;
  }

  /**
   * Begin a new view.
   * @param {object} view
   * @param {string | HTMLElement} view.heading
   * @param {Child[]} [view.trail] stands small above the heading
   * @param {Child[]} view.content
   * @param {boolean} view.focus whether somebody came here from elsewhere on the page, and reads on at the heading
   * @returns {AbortSignal} tells when another view has been begun
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
 * A part of a view that is filled when the server has answered; what goes wrong is said in its place.
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
 * What went wrong, in a sentence; `again` is offered where it can help.
 * @param {unknown} error
 * @param {(() => void) | null} [again]
 */
export function note(error, again = null) {
  // A defect of the page itself is for the console; the reader still gets a sentence.
  if (!(error instanceof Problem)) console.error(error);
  const problem = error instanceof Problem ? error : new Problem(text.problem.server);
  const retry = element("button", { type: "button", className: "quiet", onclick: again }, text.problem.again);
  return element(
    "div",
    { className: "verdict bad", role: "alert" },
    element("p", {}, problem.message),
    again && isTransient(problem) && retry,
    problem.requestId && element("p", { className: "small-print" }, text.problem.requestId(problem.requestId)),
  );
}
