// @ts-check
/** The review form: confirms the model's class or corrects it. Reviews train the next model. */
import { announce } from "./announcer.js";
import { Problem, saveReview, withdrawReview } from "./api.js";
import { serverText, element, fill } from "./dom.js";
import { dateTime } from "./format.js";
import { prefer, preference } from "./preferences.js";
import { isMe, hasRole } from "./permissions.js";
import { classNames, classTitle } from "./tasks.js";
import { text } from "./text.js";

/** @import { Result, Review as ReviewOfResult, Task } from "./types.js" */

/** The API's limit. */
const MAX_COMMENT = 1000;

/** The reviewer where there is no login, as on a local installation. */
const LOCAL = "local";

/** Digits of a reviewer's id that are shown. */
const SHORT_ID = 8;

const ON = "on";

export class Review {
  /**
   * @param {Result} result
   * @param {Task | undefined} task
   * @param {{onReview: (changed: Result) => void, onNext: () => void}} listeners
   */
  constructor(result, task, { onReview, onNext }) {
    this.result = result;
    this.task = task;
    this.onReview = onReview;
    this.onNext = onNext;
    this.saving = false;
    /** Earlier reviews, which `undo` restores. @type {(ReviewOfResult | null)[]} */
    this.before = [];
    this.names = classNames(result, task);
    this.classes = element("div", { className: "class-buttons", role: "group", "aria-label": text.review.label });
    this.comment = element("textarea", { id: "review-comment", rows: 1, maxLength: MAX_COMMENT, value: result.review?.comment ?? "" });
    this.keep = element("button", { type: "button", className: "quiet" }, text.review.saveComment);
    this.outcome = element("p", { className: "outcome" });
    this.undoing = element("button", { type: "button", className: "quiet", "aria-keyshortcuts": "u" }, text.review.undo);
    this.advance = element("input", { type: "checkbox", id: "advance", checked: preference("advance") === ON });
    this.comment.addEventListener("input", () => this.render());
    this.keep.addEventListener("click", () => this.save(this.result.review?.label ?? "", false));
    this.undoing.addEventListener("click", () => this.undo());
    this.advance.addEventListener("change", () => prefer("advance", this.advance.checked ? ON : "off"));
    this.form = this.makeForm();
    this.render();
  }

  makeForm() {
    return element(
      "section",
      { className: "review-form", "aria-labelledby": "review-heading" },
      element("h3", { id: "review-heading" }, hasRole("reviewer") ? text.review.heading : text.review.headingOfOthers),
      ...(hasRole("reviewer") ? this.makeEntries() : [this.outcome, element("p", { className: "small-print" }, text.review.notYours)]),
    );
  }

  makeEntries() {
    return [
      this.classes,
      element("label", { htmlFor: this.comment.id }, text.review.comment),
      element("div", { className: "comment" }, this.comment, this.keep),
      element("div", { className: "review-actions" }, this.outcome, this.undoing),
      element("label", { className: "checkbox" }, this.advance, element("span", {}, text.review.advance)),
    ];
  }

  /** @param {number} number of the class, from 1 */
  choose(number) {
    const name = this.names[number - 1];
    if (name) this.save(name, true);
  }

  confirm() {
    this.save(this.result.label ?? "", true);
  }

  /**
   * @param {string} label
   * @param {boolean} goOn whether the next image may be opened
   */
  async save(label, goOn) {
    const before = this.result.review;
    const saved = await this.change(() => saveReview(this.result.id, label, this.comment.value.trim()));
    if (!saved) return;
    this.before.push(before);
    this.render();
    announce(`${text.review.saved} ${this.outcome.textContent}`);
    if (goOn && this.advance.checked) this.onNext();
  }

  /** Restore the review before the last change; without one, delete the review. */
  async undo() {
    if (!this.result.review) return;
    const before = this.before.pop() ?? null;
    const { id } = this.result;
    const undone = await this.change(() => (before ? saveReview(id, before.label, before.comment ?? "") : withdrawReview(id)));
    if (!undone) return;
    this.comment.value = before?.comment ?? "";
    this.render();
    announce(text.review.undone);
  }

  /**
   * @param {() => Promise<Result>} action
   * @returns {Promise<boolean>} whether it worked
   */
  async change(action) {
    if (this.saving || !hasRole("reviewer")) return false;
    this.saving = true;
    this.form.ariaBusy = "true";
    try {
      this.result = await action();
      this.onReview(this.result);
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      fill(this.outcome, `${text.problem.saving} ${error.message}`);
      announce(this.outcome.textContent ?? "");
      return false;
    } finally {
      this.saving = false;
      this.form.ariaBusy = "false";
    }
  }

  render() {
    const { result, task } = this;
    const focused = [...this.classes.children].indexOf(/** @type {Element} */ (document.activeElement));
    fill(this.classes, ...this.names.map((name, index) => this.classButton(name, index + 1)));
    /** @type {HTMLElement | undefined} */ (this.classes.children[focused])?.focus();
    fill(this.outcome, ...summary(result, task));
    this.undoing.hidden = !result.review;
    this.keep.hidden = !result.review || this.comment.value.trim() === (result.review.comment ?? "");
  }

  /**
   * @param {string} name
   * @param {number} number
   */
  classButton(name, number) {
    const { review, label } = this.result;
    const button = element(
      "button",
      { type: "button", className: name === label ? "secondary" : "quiet", "aria-pressed": String(review?.label === name) },
      number <= 9 && element("kbd", { "aria-hidden": "true" }, String(number)),
      element("span", {}, name === label ? text.review.confirm : "", serverText(classTitle(this.task, name))),
    );
    if (number <= 9) button.setAttribute("aria-keyshortcuts", String(number));
    button.addEventListener("click", () => this.save(name, true));
    return button;
  }
}

/**
 * The review as text: class, time and reviewer.
 * @param {Result} result
 * @param {Task | undefined} task
 * @returns {(Node | string)[]}
 */
function summary({ review, label }, task) {
  if (!review) return [text.review.none];
  const when = `${dateTime(review.reviewed_at)}, ${who(review.reviewer)}`;
  if (review.label === label) return [text.review.confirmed(when)];
  return [`${text.review.corrected} `, serverText(classTitle(task, review.label)), ` · ${when}`];
}

/** @param {string | null | undefined} reviewer */
function who(reviewer) {
  if (isMe(reviewer)) return text.review.byYou;
  return reviewer && reviewer !== LOCAL ? text.review.by(reviewer.slice(0, SHORT_ID)) : text.review.here;
}
