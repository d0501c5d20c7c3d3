// @ts-check
/** The review form: confirms the model's class or corrects it. Reviews train the next model. */
import { notify } from "./announcer.js";
import { Problem, fetchResult, saveReview, withdrawReview } from "./api.js";
import { serverText, element, fill } from "./dom.js";
import { MAX_TEXT } from "./limits.js";
import { prefer, preference } from "./preferences.js";
import { hasRole } from "./permissions.js";
import { forgetChange, lastChangeOf, recordChange, revert } from "./reviewchanges.js";
import { describeConflict } from "./reviewconflict.js";
import { describeReadings, isMine, summarize } from "./reviewsummary.js";
import { classNames, classTitle } from "./tasks.js";
import { text } from "./text.js";

/** @import { Result, Review as ReviewOfResult, Task } from "./types.js" */

const ON = "on";

/** Comments that were typed but not saved, by the image's id: they survive another language, and a look at another image. @type {Map<string, string>} */
const drafts = new Map();

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
    /** The change that is being saved, after those before it. @type {Promise<unknown>} */
    this.saving = Promise.resolve();
    /** The number of changes that are not saved yet. */
    this.unsaved = 0;
    /** The review that the last unsaved change will lead to; null for an undo. @type {string | null} */
    this.coming = null;
    /** The class that could not be saved because of another person's review. @type {string | null} */
    this.conflict = null;
    this.names = classNames(result, task);
    this.classes = element("div", { className: "class-buttons", role: "group", "aria-label": text.review.label });
    this.comment = element("textarea", { id: "review-comment", rows: 1, maxLength: MAX_TEXT, value: drafts.get(result.id) ?? result.review?.comment ?? "" });
    this.keep = element("button", { type: "button", className: "quiet" }, text.review.saveComment);
    this.outcome = element("p", { className: "outcome" });
    /** The conflict, and all readings. */
    this.others = element("div");
    this.undoing = element("button", { type: "button", className: "quiet", "aria-keyshortcuts": "u" }, text.review.undo);
    this.advance = element("input", { type: "checkbox", id: "advance", checked: preference("advance") === ON });
    this.comment.addEventListener("input", () => {
      drafts.set(result.id, this.comment.value);
      this.render();
    });
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
    const comment = this.comment.value.trim();
    const coming = JSON.stringify([label, comment]);
    // A key that is held down, or a double click.
    if (this.unsaved && this.coming === coming) return;
    this.conflict = null;
    const saved = await this.change(coming, async () => {
      const before = this.result.review;
      try {
        const result = await saveReview(this.result.id, label, comment, { seen: before });
        recordChange(result, before);
        return result;
      } catch (error) {
        if (!isConflict(error)) throw error;
        this.conflict = label;
        await this.reload();
        // It may be below the fold; the focus brings it into view.
        /** @type {HTMLElement | null} */ (this.others.querySelector(".conflict"))?.focus();
        notify(text.review.conflict.heading, { failed: true });
        return null;
      }
    });
    if (!saved) return;
    this.forgetDraft(comment);
    notify(`${text.review.saved} ${this.outcome.textContent}`);
    if (goOn && this.advance.checked) this.onNext();
  }

  /** Save as another reading what could not be saved as the review. */
  async addReading() {
    const { conflict } = this;
    const comment = this.comment.value.trim();
    if (conflict === null) return;
    const added = await this.change(null, async () => {
      const result = await saveReview(this.result.id, conflict, comment, { seen: this.result.review, second: true });
      this.conflict = null;
      return result;
    });
    if (!added) return;
    this.forgetDraft(comment);
    notify(text.review.added);
  }

  /** Whether `undo` has something to do for this image. */
  get canUndo() {
    return Boolean(lastChangeOf(this.result)) || isMine(this.result.review);
  }

  /** Go back to the review before the last change made on this page; without one, withdraw one's own review. */
  async undo() {
    const undone = await this.change(null, async () => {
      const change = lastChangeOf(this.result);
      if (!change && !isMine(this.result.review)) return null;
      try {
        const { id, review } = this.result;
        const result = await (change ? revert(change) : withdrawReview(id, review, null));
        this.comment.value = result.review?.comment ?? "";
        drafts.delete(id);
        return result;
      } catch (error) {
        if (!isConflict(error)) throw error;
        if (change) forgetChange(change);
        await this.reload();
        notify(text.review.notUndone, { failed: true });
        return null;
      }
    });
    if (undone) notify(text.review.undone);
  }

  /**
   * Take over a review that was made elsewhere, unless a change is being saved, which would then meet it.
   * @param {ReviewOfResult | null} review
   */
  async learn(review) {
    if (this.unsaved || review?.reviewed_at === this.result.review?.reviewed_at) return;
    try {
      await this.reload();
    } catch (error) {
      // The next refresh of the list tries again.
      if (error instanceof Problem) return;
      throw error;
    }
    notify(`${text.review.changedElsewhere} ${this.outcome.textContent}`);
  }

  /** Load the current result, with the review that was saved elsewhere. */
  async reload() {
    this.result = await fetchResult(this.result.id);
    this.render();
    this.onReview(this.result);
  }

  /** @param {string} comment that was saved */
  forgetDraft(comment) {
    if (drafts.get(this.result.id)?.trim() === comment) drafts.delete(this.result.id);
  }

  /**
   * Save a change after those before it, so that none is lost.
   * @param {string | null} coming see the property
   * @param {() => Promise<Result | null>} action returns the changed result, or null if there was nothing to change
   * @returns {Promise<boolean>} whether the result was changed
   */
  change(coming, action) {
    if (!hasRole("reviewer")) return Promise.resolve(false);
    this.coming = coming;
    this.unsaved++;
    this.form.ariaBusy = "true";
    const changed = this.saving.then(() => this.apply(action));
    this.saving = changed.catch(() => {});
    return changed;
  }

  /**
   * @param {() => Promise<Result | null>} action
   * @returns {Promise<boolean>} whether the result was changed
   */
  async apply(action) {
    try {
      const result = await action();
      if (!result) return false;
      this.result = result;
      this.render();
      this.onReview(result);
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      fill(this.outcome, `${text.problem.saving} ${error.message}`);
      notify(this.outcome.textContent ?? "", { failed: true });
      return false;
    } finally {
      this.unsaved--;
      this.form.ariaBusy = String(this.unsaved > 0);
    }
  }

  render() {
    const { result, task } = this;
    const focused = [...this.classes.children].indexOf(/** @type {Element} */ (document.activeElement));
    fill(this.classes, ...this.names.map((name, index) => this.classButton(name, index + 1)));
    /** @type {HTMLElement | undefined} */ (this.classes.children[focused])?.focus();
    fill(this.outcome, ...summarize(result.review, result, task));
    fill(this.others, ...this.describeConflict(), ...describeReadings(result, task));
    this.undoing.hidden = !this.canUndo;
    this.keep.hidden = !result.review || this.comment.value.trim() === (result.review.comment ?? "");
  }

  describeConflict() {
    const { conflict, result, task } = this;
    if (conflict === null) return [];
    return [
      describeConflict(result, task, conflict, {
        onKeep: () => {
          this.conflict = null;
          this.render();
        },
        onReplace: () => this.save(conflict, false),
        onAdd: () => this.addReading(),
      }),
    ];
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

/** @param {unknown} error */
const isConflict = (error) => error instanceof Problem && error.code === "ReviewChanged";
