// @ts-check
/** The review form: confirms the model's class or corrects it. Reviews train the next model. */
import { announce } from "./announcer.js";
import { Problem, saveReview, withdrawReview } from "./api.js";
import { serverText, element, fill } from "./dom.js";
import { dateTime } from "./format.js";
import { MAX_TEXT } from "./limits.js";
import { prefer, preference } from "./preferences.js";
import { isMe, hasRole } from "./permissions.js";
import { classNames, classTitle } from "./tasks.js";
import { text } from "./text.js";

/** @import { Result, Review as ReviewOfResult, Task } from "./types.js" */

/** The reviewer where there is no login, as on a local installation. */
const LOCAL = "local";

/** Digits of a reviewer's id that are shown. */
const SHORT_ID = 8;

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
    /** Earlier reviews, which `undo` restores. @type {(ReviewOfResult | null)[]} */
    this.before = [];
    this.names = classNames(result, task);
    this.classes = element("div", { className: "class-buttons", role: "group", "aria-label": text.review.label });
    this.comment = element("textarea", { id: "review-comment", rows: 1, maxLength: MAX_TEXT, value: drafts.get(result.id) ?? result.review?.comment ?? "" });
    this.keep = element("button", { type: "button", className: "quiet" }, text.review.saveComment);
    this.outcome = element("p", { className: "outcome" });
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
    const comment = this.comment.value.trim();
    const coming = JSON.stringify([label, comment]);
    // A key that is held down, or a double click.
    if (this.unsaved && this.coming === coming) return;
    const saved = await this.change(coming, async () => {
      const before = this.result.review;
      const result = await saveReview(this.result.id, label, comment);
      this.before.push(before);
      return result;
    });
    if (!saved) return;
    if (drafts.get(this.result.id)?.trim() === comment) drafts.delete(this.result.id);
    announce(`${text.review.saved} ${this.outcome.textContent}`);
    if (goOn && this.advance.checked) this.onNext();
  }

  /** Restore the review before the last change; without one, delete the review. */
  async undo() {
    const undone = await this.change(null, async () => {
      if (!this.result.review) return null;
      const before = this.before.at(-1) ?? null;
      const { id } = this.result;
      const result = await (before ? saveReview(id, before.label, before.comment ?? "") : withdrawReview(id));
      this.before.pop();
      this.comment.value = before?.comment ?? "";
      drafts.delete(id);
      return result;
    });
    if (undone) announce(text.review.undone);
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
      announce(this.outcome.textContent ?? "");
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
