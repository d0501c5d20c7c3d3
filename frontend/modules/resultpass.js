// @ts-check
/** One reading of a task's results for the images that are awaited, oldest first, a page at a time. */
import { fetchResults } from "./api.js";

/** @import { Result } from "./types.js" */

/** The most that the API returns at once. */
const PAGE_SIZE = 200;

/** An image is announced at most this long after its `since`: a Lambda's longest answer, and some for clocks that differ. */
const SPAN_MS = 60_000;

export class ResultPass {
  /**
   * @param {string} task
   * @param {{id: string, since: string}[]} awaited images of the task; `since` is a time shortly before each was announced
   */
  constructor(task, awaited) {
    this.task = task;
    /** Images not found yet: `since` in milliseconds by id, the oldest first. */
    this.left = new Map(awaited.map(({ id, since }) => /** @type {const} */ ([id, Date.parse(since)])).sort(([, a], [, b]) => a - b));
    /** Ids that are not in the list where they should be. @type {string[]} */
    this.missed = [];
    this.from = this.oldest;
    /** @type {string | null} */
    this.cursor = null;
  }

  /** Whether every image has been found or missed. */
  get done() {
    return this.left.size === 0;
  }

  /** `since` of the oldest image not found yet, in milliseconds. */
  get oldest() {
    return [...this.left.values()][0];
  }

  /**
   * Read the next page.
   * @returns {Promise<Result[]>} what it says of awaited images
   */
  async next() {
    const selection = { task: this.task, from: new Date(this.from).toISOString(), order: /** @type {const} */ ("oldest") };
    const { results, cursor } = await fetchResults(selection, { limit: PAGE_SIZE, cursor: this.cursor });
    const found = results.filter(({ id }) => this.left.delete(id));
    this.cursor = cursor;
    if (cursor === null) this.missOlderThan(Infinity);
    else if (results.length > 0) this.goOnAfter(Date.parse(results[results.length - 1].created_at));
    return found;
  }

  /** @param {number} here how far the list has been read, in milliseconds */
  goOnAfter(here) {
    this.missOlderThan(here - SPAN_MS);
    // Between an image that is stuck and the next one there may be any number of other people's: they are skipped.
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
