// @ts-check
/** The form of a review: a button for each class, the comment, what was saved, and what others say. */
import { element, fill } from "./dom.js";
import { describeDisagreement } from "./disagreement.js";
import { draftOf, keepDraft } from "./drafts.js";
import { pressedBy } from "./keys.js";
import { MAX_TEXT } from "./limits.js";
import { compare, ownReading } from "./ownreading.js";
import { hasRole } from "./permissions.js";
import { prefer, preference } from "./preferences.js";
import { describeConflict } from "./reviewconflict.js";
import { describeReadings, summarize } from "./reviewsummary.js";
import { classNames, classText } from "./tasks.js";
import { text } from "./text.js";

/** @import { Review } from "./review.js" */

const ON = "on";

export class ReviewForm {
  /** @param {Review} review */
  constructor(review) {
    const { result, task, current } = review;
    this.review = review;
    this.names = classNames(result, task);
    this.classes = element("div", { className: "class-buttons", role: "group", "aria-label": text.review.label });
    this.comment = element("textarea", { id: "review-comment", rows: 1, maxLength: MAX_TEXT, value: draftOf(result.id) ?? current?.comment ?? "" });
    this.keep = element("button", { type: "button", className: "quiet" }, text.review.saveComment);
    this.outcome = element("p", { className: "outcome" });
    /** The conflict, and all readings. */
    this.others = element("div");
    this.undoing = element("button", { type: "button", className: "quiet", ...pressedBy("u") }, text.review.undo);
    this.advance = element("input", { type: "checkbox", id: "advance", checked: preference("advance") === ON });
    this.comment.addEventListener("input", () => {
      // What is being saved may fail.
      keepDraft(result.id, review.unsaved || !this.isSaved ? this.comment.value : null);
      this.render();
    });
    this.keep.addEventListener("click", () => review.save(review.current?.label ?? "", false));
    this.undoing.addEventListener("click", () => review.undo());
    this.advance.addEventListener("change", () => prefer("advance", this.advance.checked ? ON : "off"));
    this.element = this.make();
    this.render();
  }

  make() {
    return element(
      "section",
      { className: "review-form", "aria-labelledby": "review-heading" },
      element("h3", { id: "review-heading" }, hasRole("reviewer") ? text.review.heading : text.review.headingOfOthers),
      ...(hasRole("reviewer") ? this.makeEntries() : [this.outcome, this.others, element("p", { className: "small-print" }, text.review.notYours)]),
    );
  }

  makeEntries() {
    return [
      this.classes,
      element("label", { htmlFor: this.comment.id }, text.review.comment),
      element("div", { className: "comment" }, this.comment, this.keep),
      element("div", { className: "review-actions" }, this.outcome, this.undoing),
      this.others,
      element("label", { className: "checkbox" }, this.advance, element("span", {}, text.review.advance)),
    ];
  }

  /** The comment as it is written, without the space around it. */
  get written() {
    return this.comment.value.trim();
  }

  /** Whether the comment is the saved one. */
  get isSaved() {
    return this.written === (this.review.current?.comment ?? "");
  }

  /** @param {string} comment that was saved */
  forgetDraft(comment) {
    const { id } = this.review.result;
    if (draftOf(id)?.trim() === comment) keepDraft(id, null);
  }

  /** @param {string | null | undefined} comment that is saved, in place of the one that was written */
  restore(comment) {
    this.comment.value = comment ?? "";
    keepDraft(this.review.result.id, null);
  }

  /** @param {string} message why nothing was changed */
  fail(message) {
    fill(this.outcome, `${text.problem.saving} ${message}`);
  }

  render() {
    const { result, task, current, canUndo } = this.review;
    const focused = [...this.classes.children].indexOf(/** @type {Element} */ (document.activeElement));
    fill(this.classes, ...this.names.map((name, index) => this.classButton(name, index + 1)));
    /** @type {HTMLElement | undefined} */ (this.classes.children[focused])?.focus();
    fill(this.outcome, ...(result.concealed ? [text.reading.hidden] : summarize(result.review, result, task)));
    fill(this.others, ...this.describeConflict(), ...this.comparison, ...this.describeDisagreement(), ...describeReadings(result, task));
    this.undoing.hidden = !canUndo;
    this.keep.hidden = !current || this.isSaved;
  }

  /** How the reading of a blind or second reader compares with the others. */
  get comparison() {
    const { result, task, isSecond } = this.review;
    const own = ownReading(result);
    const parts = own && (own.blind || isSecond) ? compare(result, task) : [];
    return parts.length ? [element("p", { className: "comparison" }, ...parts)] : [];
  }

  describeDisagreement() {
    const { review } = this;
    if (!review.result.disagreement || !hasRole("reviewer")) return [];
    return [describeDisagreement(review.result, review.task, (label) => review.settle(label))];
  }

  describeConflict() {
    const { review } = this;
    const { conflict } = review;
    if (conflict === null) return [];
    return [
      describeConflict(review.result, review.task, conflict, {
        onKeep: () => {
          review.conflict = null;
          this.render();
        },
        onReplace: () => review.save(conflict, false),
        onAdd: () => review.addReading(),
      }),
    ];
  }

  /**
   * @param {string} name
   * @param {number} number
   */
  classButton(name, number) {
    const { review } = this;
    const { result: { label }, task, current } = review;
    const button = element(
      "button",
      { type: "button", className: name === label ? "secondary" : "quiet", "aria-pressed": String(current?.label === name) },
      number <= 9 && element("kbd", { "aria-hidden": "true" }, String(number)),
      element("span", {}, name === label ? text.review.confirm : "", classText(task, name)),
    );
    if (number <= 9) button.setAttribute("aria-keyshortcuts", String(number));
    button.addEventListener("click", () => review.save(name, true));
    return button;
  }
}
