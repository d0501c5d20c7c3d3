// @ts-check
/** One pass over a task's results, oldest first, a page at a time, to find those of pending images. */
import { fetchResults } from "./api.js";
import { MAX_PAGE_SIZE } from "./limits.js";

/** @import { Result } from "./types.js" */

/** Longest time between `since` and the creation of the result: the Lambda timeout, plus a tolerance for clock differences. */
const SPAN_MS = 60_000;

export class ResultPass {
  /**
   * @param {string} task
   * @param {{id: string, since: string}[]} awaited images of the task; `since` is a time shortly before the result was created
   */
  constructor(task, awaited) {
    this.task = task;
    /** Images not found yet: `since` in milliseconds by id, oldest first. */
    this.left = new Map(awaited.map(({ id, since }) => /** @type {const} */ ([id, Date.parse(since)])).sort(([, a], [, b]) => a - b));
    /** Ids that are missing where the list should contain them. @type {string[]} */
    this.missed = [];
    this.from = this.oldest;
    /** @type {string | null} */
    this.cursor = null;
  }

  /** Whether every image was found or missed. */
  get done() {
    return this.left.size === 0;
  }

  /** `since` of the oldest image not found yet, in milliseconds. */
  get oldest() {
    return [...this.left.values()][0];
  }

  /**
   * Load the next page.
   * @returns {Promise<Result[]>} the pending images on it
   */
  async next() {
    const selection = { task: this.task, from: new Date(this.from).toISOString(), order: /** @type {const} */ ("oldest") };
    const { results, cursor } = await fetchResults(selection, { limit: MAX_PAGE_SIZE, cursor: this.cursor });
    const found = results.filter(({ id }) => this.left.delete(id));
    this.cursor = cursor;
    if (cursor === null) this.missOlderThan(Infinity);
    else if (results.length > 0) this.goOnAfter(Date.parse(results[results.length - 1].created_at));
    return found;
  }

  /** @param {number} here creation time of the last result read, in milliseconds */
  goOnAfter(here) {
    this.missOlderThan(here - SPAN_MS);
    // Between a stuck image and the next one, there may be any number of other users' images: skip them.
    if (this.oldest > here) {
      this.from = this.oldest;
      this.cursor = null;
    }
  }

  /** @param {number} moment milliseconds */
  missOlderThan(moment) {
    for (const [id, since] of this.left) {
      if (since >= moment) return;
      this.left.delete(id);
      this.missed.push(id);
    }
  }
}
