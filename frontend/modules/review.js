// @ts-check
/** The review of a result: confirms the model's class or corrects it. Reviews train the next model. */
import { notify } from "./announcer.js";
import { Problem, fetchResult, saveReview, withdrawReading, withdrawReview } from "./api.js";
import { nameOf } from "./filenames.js";
import { ownReading } from "./ownreading.js";
import { hasRole } from "./permissions.js";
import { reads } from "./readingmode.js";
import { forgetChange, lastChangeOf, recordChange, recordReading, revert } from "./reviewchanges.js";
import { ReviewForm } from "./reviewform.js";
import { isMine } from "./reviewsummary.js";
import { SaveQueue } from "./savequeue.js";
import { loadTextsOf, text } from "./text.js";

/** @import { Result, Review as ReviewOfResult, Task } from "./types.js" */

await loadTextsOf("reading");

/** Images whose answer this page has shown: a later reading of theirs is not blind, even if the answer is hidden again. @type {Set<string>} */
const disclosed = new Set();

export class Review {
  /**
   * @param {Result} result
   * @param {Task | undefined} task
   * @param {object} listeners
   * @param {(changed: Result) => void} listeners.onReview
   * @param {() => void} listeners.onNext
   * @param {() => boolean} listeners.isLeft whether another image has been opened
   */
  constructor(result, task, { onReview, onNext, isLeft }) {
    this.result = result;
    this.task = task;
    this.onReview = onReview;
    this.onNext = onNext;
    this.isLeft = isLeft;
    this.queue = new SaveQueue({
      onResult: (changed) => this.show(changed),
      onProblem: (message) => this.fail(message),
      onBusy: (busy) => (this.form.element.ariaBusy = String(busy)),
    });
    /** The class that was chosen last. */
    this.chosen = "";
    /** The class that could not be saved because of another person's review. @type {string | null} */
    this.conflict = null;
    this.form = new ReviewForm(this);
    this.disclose();
  }

  /** @param {number} number of the class, from 1 */
  choose(number) {
    const name = this.form.names[number - 1];
    if (name) this.save(name, true);
  }

  confirm() {
    if (this.result.label === null) notify(text.reading.noConfirm, { failed: true });
    else this.save(this.result.label, true);
  }

  /** Whether the user's readings stand beside the reviews of others. */
  get isSecond() {
    return reads("blind") || reads("second");
  }

  /** The reading that the form shows and changes. */
  get current() {
    return this.isSecond ? ownReading(this.result) : this.result.review;
  }

  /**
   * @param {string} label
   * @param {boolean} goOn whether the next image may be opened
   */
  async save(label, goOn) {
    const comment = this.form.written;
    const coming = JSON.stringify([label, comment]);
    // A double click, or a key that was meant for the next image.
    if (this.queue.unsaved && this.queue.coming === coming) {
      if (goOn && this.form.advance.checked) notify(text.review.tooEarly, { failed: true });
      return;
    }
    this.conflict = null;
    this.chosen = label;
    const saved = await this.change(coming, async () => {
      const { id, concealed, review: before } = this.result;
      const second = Boolean(concealed) || (this.isSecond && !isMine(before));
      try {
        const result = await saveReview(id, label, comment, { seen: before, second, kind: concealed && !disclosed.has(id) ? "blind" : undefined });
        this.record(result);
        return result;
      } catch (error) {
        await this.meet(error);
        this.conflict = this.chosen;
        this.form.render();
        // It may be below the fold; the focus brings it into view.
        /** @type {HTMLElement | null} */ (this.form.others.querySelector(".conflict"))?.focus();
        this.complain(text.review.conflict.heading);
        return null;
      }
    });
    if (!saved) return;
    this.form.forgetDraft(comment);
    const [said = this.form.outcome] = this.form.comparison;
    notify(`${text.review.saved} ${said.textContent}`);
    if (goOn && this.form.advance.checked) this.onNext();
  }

  /**
   * Keep what a change has done, so that it can be undone.
   * @param {Result} result after the change
   */
  record(result) {
    const before = this.result;
    const own = ownReading(result);
    if (own && own.reviewed_at !== result.review?.reviewed_at) {
      if (own.reviewed_at !== ownReading(before)?.reviewed_at) recordReading(result, own);
    } else recordChange(result, before.review);
  }

  /** Save as another reading what could not be saved as the review. */
  async addReading() {
    const { conflict } = this;
    const comment = this.form.written;
    if (conflict === null) return;
    const added = await this.change(null, async () => {
      const result = await saveReview(this.result.id, conflict, comment, { seen: this.result.review, second: true });
      this.record(result);
      this.conflict = null;
      return result;
    });
    if (!added) return;
    this.form.forgetDraft(comment);
    notify(text.review.added);
  }

  /** The number of changes that are not saved yet. */
  get unsaved() {
    return this.queue.unsaved;
  }

  /** Whether `undo` has something to do for this image. */
  get canUndo() {
    return Boolean(lastChangeOf(this.result) ?? (this.isSecond && ownReading(this.result))) || isMine(this.result.review);
  }

  /** Go back to the review before the last change made on this page; without one, withdraw one's own review. */
  async undo() {
    const undone = await this.change(null, async () => {
      const change = lastChangeOf(this.result);
      const own = ownReading(this.result);
      if (!this.canUndo) return null;
      try {
        const { id, review } = this.result;
        const withdraw = () => (own && !isMine(review) ? withdrawReading(id, own) : withdrawReview(id, review, null));
        const result = await (change ? revert(change) : withdraw());
        this.form.restore(result.review?.comment);
        return result;
      } catch (error) {
        await this.meet(error);
        if (change) forgetChange(change);
        this.complain(text.review.notUndone);
        return null;
      }
    });
    if (undone) notify(text.review.undone);
  }

  /**
   * Take over a review that was made elsewhere, unless a change is being saved, which would then meet it.
   * @param {ReviewOfResult | null} [review] as the list has it; absent if the list does not show it
   */
  async learn(review) {
    const before = this.result;
    const isNews = (/** @type {ReviewOfResult | null} */ known) => known?.reviewed_at !== before.review?.reviewed_at;
    if (this.unsaved || (review !== undefined && !isNews(review))) return;
    try {
      const current = await fetchResult(before.id);
      // Something may have been saved meanwhile.
      if (this.unsaved || this.result !== before || !isNews(current.review)) return;
      this.show(current);
    } catch (error) {
      // The next refresh of the list tries again.
      if (error instanceof Problem) return;
      throw error;
    }
    notify(`${text.review.changedElsewhere} ${this.form.outcome.textContent}`);
  }

  /**
   * Load the review that was saved elsewhere. What waits was decided on without it.
   * @param {unknown} error of a change
   * @throws {unknown} any other error
   */
  async meet(error) {
    if (!(error instanceof Problem && error.code === "ReviewChanged")) throw error;
    this.queue.drop();
    this.show(await fetchResult(this.result.id));
  }

  /**
   * @param {string | null} coming see SaveQueue
   * @param {() => Promise<Result | null>} action
   */
  async change(coming, action) {
    return hasRole("reviewer") && this.queue.change(coming, action);
  }

  /** @param {Result} result after a change */
  show(result) {
    this.result = result;
    this.disclose();
    this.form.render();
    this.onReview(result);
  }

  /** The answer is shown unless it is concealed. */
  disclose() {
    if (!this.result.concealed) disclosed.add(this.result.id);
  }

  /** @param {string} message why nothing was changed */
  fail(message) {
    this.form.fail(message);
    this.complain(this.form.outcome.textContent ?? "");
  }

  /** @param {string} message why nothing was changed, also to a reader who has gone on to another image */
  complain(message) {
    const { id } = this.result;
    notify(this.isLeft() ? `${nameOf(id) || id}: ${message}` : message, { failed: true });
  }

  /**
   * Settle a disagreement: a reading becomes the review.
   * @param {string} label
   */
  async settle(label) {
    const settled = await this.change(null, async () => {
      const { id, review } = this.result;
      try {
        const result = await saveReview(id, label, this.form.written, { seen: review, kind: "adjudication" });
        recordChange(result, review);
        return result;
      } catch (error) {
        await this.meet(error);
        this.complain(text.review.changedElsewhere);
        return null;
      }
    });
    if (settled) notify(text.reading.settledNow);
  }
}
