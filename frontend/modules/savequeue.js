// @ts-check
/** Saves the changes of one result one after the other, so that none is lost. While one is unsaved, the page warns before it is left. */
import { Problem } from "./api.js";
import { guardSending } from "./unloadguard.js";

/** @import { Result } from "./types.js" */

export class SaveQueue {
  /**
   * @param {object} listeners
   * @param {(changed: Result) => void} listeners.onResult
   * @param {(message: string) => void} listeners.onProblem
   * @param {(busy: boolean) => void} listeners.onBusy
   */
  constructor({ onResult, onProblem, onBusy }) {
    this.onResult = onResult;
    this.onProblem = onProblem;
    this.onBusy = onBusy;
    /** The change that is being saved, after those before it. @type {Promise<unknown>} */
    this.saving = Promise.resolve();
    /** The number of changes that are not saved yet. */
    this.unsaved = 0;
    /** What the last unsaved change will lead to; null for an undo. @type {string | null} */
    this.coming = null;
    /** How often the changes that were waiting have been dropped. */
    this.drops = 0;
  }

  /** Drop the changes that wait for the one that is being saved: they were decided on without what that has brought to light. */
  drop() {
    this.drops++;
  }

  /**
   * @param {string | null} coming see the property
   * @param {() => Promise<Result | null>} action returns the changed result, or null if there was nothing to change
   * @returns {Promise<boolean>} whether the result was changed
   */
  change(coming, action) {
    this.coming = coming;
    const release = guardSending();
    this.unsaved++;
    this.onBusy(true);
    const { drops } = this;
    const changed = this.saving.then(() => this.apply(drops === this.drops ? action : async () => null));
    this.saving = changed.catch(() => {}).then(release);
    return changed;
  }

  /**
   * @param {() => Promise<Result | null>} action
   * @returns {Promise<boolean>} whether the result was changed
   */
  async apply(action) {
    try {
      const result = await action();
      if (result) this.onResult(result);
      return Boolean(result);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.onProblem(error.message);
      return false;
    } finally {
      this.unsaved--;
      this.onBusy(this.unsaved > 0);
    }
  }
}
