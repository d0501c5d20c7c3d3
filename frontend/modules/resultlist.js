// @ts-check
/** The loaded results of a selection, sorted and kept up to date. Independent of the page. */
import { fetchResults } from "./api.js";
import { MAX_PAGE_SIZE } from "./limits.js";

/** @import { Result, ResultPage, Selection } from "./types.js" */

/** After this time, upload permissions have expired and all retries are over: a missing result is not to be expected. */
export const UNFINISHED_MS = 3_600_000;

/**
 * For this long after a change on this page, lists from the server may not include it: indexes are eventually consistent.
 */
const SETTLED_MS = 5_000;

export class ResultList {
  /** @param {Selection} selection */
  constructor(selection) {
    this.selection = selection;
    /** @type {Map<string, Result>} */
    this.known = new Map();
    /** @type {Result[]} in the selection's order; a new array after every change */
    this.ordered = [];
    /** Reviewed results, and results that can be reviewed. */
    this.progress = { reviewed: 0, total: 0 };
    /** @type {string | null} cursor of the next page */
    this.cursor = null;
    this.loaded = false;
    /** Times of changes made on this page, by its own clock. @type {Map<string, number>} by id */
    this.changed = new Map();
    /** @type {Promise<void> | null} */
    this.reading = null;
  }

  /**
   * Load new results.
   * @returns {Promise<number>} number of new results
   */
  async refresh() {
    if (this.loaded && this.selection.order === "oldest") {
      // New results are at the end, and are loaded when it is reached.
      await this.followWaiting();
      return this.cursor === null ? this.readOn() : 0;
    }
    const asked = performance.now();
    const page = await fetchResults(this.selection);
    const fresh = page.results.filter(({ id }) => !this.known.has(id)).length;
    const gap = fresh === page.results.length && page.cursor !== null;
    // If results between the newest page and the known ones are missing, start over instead of hiding them.
    if (gap) this.forget();
    if (gap || !this.loaded) this.cursor = page.cursor;
    this.keepRead(page.results, asked);
    const first = !this.loaded;
    this.loaded = true;
    await this.followWaiting(page.results);
    return first ? 0 : fresh;
  }

  /** Loaded results that are still pending. */
  get waiting() {
    return this.ordered.filter(({ status }) => status === "received").length;
  }

  /**
   * Update pending results, also far down the list: one page at a time, oldest first.
   * @param {Result[]} [read] results that were just loaded
   */
  async followWaiting(read = []) {
    const asked = new Set(read.map(({ id }) => id));
    const young = (/** @type {string} */ created_at) => Date.now() - Date.parse(created_at) < UNFINISHED_MS;
    const waiting = this.ordered.filter(
      ({ id, status, created_at }) => status === "received" && young(created_at) && !asked.has(id),
    );
    if (waiting.length === 0) return;
    const from = waiting.map(({ created_at }) => created_at).sort()[0];
    const sent = performance.now();
    const page = await fetchResults({ task: this.selection.task, from, order: "oldest" }, { limit: MAX_PAGE_SIZE });
    this.keepRead(page.results.filter(({ id }) => this.known.has(id)), sent);
  }

  /**
   * Load the next page.
   * @returns {Promise<number>} number of new results
   */
  async readOn() {
    const asked = performance.now();
    const page = await fetchResults(this.selection, { limit: MAX_PAGE_SIZE, cursor: this.cursor });
    const fresh = page.results.filter(({ id }) => !this.known.has(id)).length;
    this.cursor = page.cursor;
    this.keepRead(page.results, asked);
    return fresh;
  }

  /** Load the next page, unless that is already in progress. */
  more() {
    if (this.cursor !== null) this.reading ??= this.readOn().then(() => {}).finally(() => (this.reading = null));
    return this.reading;
  }

  /**
   * Keep a result that was created or changed on this page, and ignore older versions from pages requested earlier.
   * @param {Result} result
   */
  keepChanged(result) {
    this.changed.set(result.id, performance.now());
    this.keep([result]);
  }

  /**
   * Keep listed results, except those that may be older than a change made on this page.
   * @param {Result[]} results
   * @param {number} asked time of the request, by this page's clock
   */
  keepRead(results, asked) {
    const older = (/** @type {Result} */ { id }) => this.known.has(id) && asked < (this.changed.get(id) ?? -Infinity) + SETTLED_MS;
    this.keep(results.filter((result) => !older(result)));
  }

  /** @param {Result[]} results in any order; of two with the same id, the later one counts */
  keep(results) {
    if (results.length === 0) return;
    this.ordered = [...this.ordered];
    for (const result of results) {
      const before = this.known.get(result.id);
      if (before) this.remove(before);
      this.insert(listed(result));
    }
  }

  /** Start over. */
  forget() {
    this.known.clear();
    this.ordered = [];
    this.progress = { reviewed: 0, total: 0 };
  }

  /** @param {Result} result */
  insert(result) {
    this.known.set(result.id, result);
    this.ordered.splice(this.place(result), 0, result);
    this.count(result, 1);
  }

  /** @param {Result} result one of the known */
  remove(result) {
    this.ordered.splice(this.place(result), 1);
    this.count(result, -1);
  }

  /**
   * @param {Result} result
   * @param {1 | -1} number
   */
  count({ status, review }, number) {
    if (status !== "classified") return;
    this.progress.total += number;
    if (review) this.progress.reviewed += number;
  }

  /**
   * The index of a result, by binary search: sorting 100,000 results again for each would be too slow.
   * @param {Result} result
   */
  place({ created_at, id }) {
    const direction = this.selection.order === "oldest" ? 1 : -1;
    let [first, end] = [0, this.ordered.length];
    while (first < end) {
      const middle = (first + end) >> 1;
      const other = this.ordered[middle];
      const order = direction * compare(other.created_at, created_at) || compare(other.id, id);
      if (order < 0) first = middle + 1;
      else end = middle;
    }
    return first;
  }
}

/**
 * Whether a result that was created or changed here belongs to a list.
 * @param {Result} result
 * @param {Selection} selection
 */
export const isSelected = ({ task, label, status, needs_review, review, created_at }, selection) =>
  (selection.task === null || selection.task === task) &&
  (selection.label === null || selection.label === label) &&
  (selection.status === null || selection.status === status) &&
  (selection.needs_review === null || selection.needs_review === needs_review) &&
  (selection.reviewed === null || selection.reviewed === Boolean(review)) &&
  (selection.from === null || Date.parse(created_at) >= Date.parse(selection.from)) &&
  (selection.to === null || Date.parse(created_at) < Date.parse(selection.to));

/**
 * The fields that a list shows; the others of 100,000 results would fill the memory.
 * @param {Result} result
 * @returns {Result}
 */
const listed = (result) => ({ ...result, probabilities: {}, heatmap: null, source: null, disclaimer: "" });

/**
 * Compare timestamps of the same format as text.
 * @param {string} a
 * @param {string} b
 */
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
