// @ts-check
/** The light box: an image with its tools; or a message, a problem, or progress. */
import { whenLoaded } from "./api.js";
import { byId, element, fill, lazily } from "./dom.js";
import { markedMessage } from "./reasons.js";
import { text } from "./text.js";

const loadView = lazily(() => import("./imageview.js"));

/** @import { Explanation, ImageView } from "./imageview.js" */
/** @import { Problem } from "./api.js" */
/** @import { Picture } from "./picture.js" */
/** @import { Task } from "./types.js" */

export class LightBox {
  constructor() {
    this.message = byId("message", HTMLElement);
    this.problem = byId("problem", HTMLElement);
    this.working = byId("working", HTMLElement);
    this.workingText = byId("working-text", HTMLElement);
    this.progress = byId("progress", HTMLProgressElement);
    this.tools = byId("light-box-tools", HTMLElement);
    /** The image and its tools, from the first image on. @type {ImageView | null} */
    this.view = null;
  }

  /** Load what shows images, which the empty light box does not need. */
  async load() {
    const { ImageView } = await whenLoaded(loadView());
    this.view ??= new ImageView();
  }

  /** Remove everything. */
  clear() {
    this.view?.clear();
    for (const part of [this.message, this.problem, this.working]) part.hidden = true;
    this.tools.hidden = false;
  }

  /**
   * Show a message in place of the image and the tools.
   * @param {...Node} content
   */
  showMessage(...content) {
    this.clear();
    fill(this.message, ...content);
    this.message.hidden = false;
    this.tools.hidden = true;
  }

  /**
   * Show a result without its picture. The tools stay, to go on with.
   * @param {string} reason
   */
  showNoImage(reason) {
    this.clear();
    fill(this.message, element("p", {}, reason));
    this.message.hidden = false;
  }

  /**
   * Show a picture, after `load`. The light box owns it from now on and closes it.
   * @param {Picture} picture
   * @param {Task} [task] of the image
   */
  show(picture, task) {
    this.clear();
    this.view?.show(picture, task);
  }

  /**
   * Show the heat map of the predicted class over the image.
   * @param {Explanation} explanation
   * @param {boolean} own whether this is the user's own file, so that the model input can be shown beside it
   */
  explain(explanation, own) {
    this.working.hidden = true;
    this.view?.explain(explanation, own);
  }

  /**
   * Show a better picture of the image that is shown.
   * @param {Picture} picture
   */
  improve(picture) {
    this.view?.improve(picture);
  }

  /**
   * Show progress; an image stays visible.
   * @param {string} message
   * @param {number | null} share done, 0 to 1; null if unknown
   */
  showProgress(message, share = null) {
    this.message.hidden = true;
    this.problem.hidden = true;
    this.working.hidden = false;
    this.workingText.textContent = message;
    if (share === null) this.progress.removeAttribute("value");
    else this.progress.value = share;
  }

  /**
   * @param {Problem} problem
   * @param {(() => void) | null} again action of "Try again"; null if a retry cannot help
   * @param {boolean} usable whether another image can be chosen instead
   */
  fail(problem, again, usable) {
    this.clear();
    this.tools.hidden = !usable;
    const retry = element("button", { type: "button", className: "quiet" }, text.problem.again);
    if (again) retry.addEventListener("click", again);
    fill(
      this.problem,
      element("h3", {}, text.problem.heading),
      element("p", {}, ...markedMessage(problem.message)),
      again && retry,
      problem.requestId && element("p", { className: "small-print" }, text.problem.requestId(problem.requestId)),
    );
    this.problem.hidden = false;
  }
}
