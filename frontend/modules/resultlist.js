// @ts-check
/** The loaded results of a selection, sorted and kept up to date. Independent of the page. */
import { fetchResults } from "./api.js";
import { MAX_PAGE_SIZE } from "./limits.js";
import { isByProbability, isSelected } from "./selection.js";

/** @import { Result, ResultPage, Review, Selection } from "./types.js" */

/** After this time, upload permissions have expired and all retries are over: a missing result is not to be expected. */
const UNFINISHED_MS = 3_600_000;

/** After this time, an upload whose file has not arrived has probably been left. If it still arrives, it counts. */
const UPLOAD_MS = 120_000;

/**
 * Whether no result is to be expected.
 * @param {Pick<Result, "status" | "uploading" | "created_at">} result
 */
export const isUnfinished = ({ status, uploading, created_at }) =>
  status === "received" && Date.now() - Date.parse(created_at) > (uploading ? UPLOAD_MS : UNFINISHED_MS);

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
    /** Results that were hidden, shown or deleted on this page. @type {Set<string>} ids */
    this.dropped = new Set();
    /** Results that have left the selection, and were looked for since. @type {Set<string>} ids */
    this.left = new Set();
    /** What the last refresh has read. @type {Set<string>} ids */
    this.read = new Set();
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
      await this.follow();
      return this.cursor === null ? this.readOn() : 0;
    }
    const asked = performance.now();
    const page = await fetchResults(this.selection);
    const fresh = page.results.filter(({ id }) => !this.known.has(id)).length;
    // A page may be empty although there are more: the server reads so many results for it at most.
    const gap = fresh > 0 && fresh === page.results.length && page.cursor !== null;
    // If results between the newest page and the known ones are missing, start over instead of hiding them. Results that
    // were created or changed on this page are in their place, and the server's list may not have them yet.
    if (gap && this.loaded) this.forgetAfter(page.results[page.results.length - 1], asked);
    if (gap || !this.loaded) this.cursor = page.cursor;
    this.keepRead(page.results, asked);
    const first = !this.loaded;
    this.loaded = true;
    await this.follow(page, asked);
    return first ? 0 : fresh;
  }

  /** Loaded results that are still pending. */
  get waiting() {
    return this.ordered.filter(({ status }) => status === "received").length;
  }

  /**
   * Update results that the newest page does not show: pending ones, also far down the list, and those that have left the
   * selection, because others have reviewed them. One page at a time, oldest first.
   * @param {ResultPage} [newest] the page that was just loaded
   * @param {number} [asked] time of its request
   */
  async follow(newest = { results: [], cursor: "" }, asked = 0) {
    this.read = new Set(newest.results.map(({ id }) => id));
    for (const id of this.read) this.left.delete(id);
    const young = (/** @type {string} */ created_at) => Date.now() - Date.parse(created_at) < UNFINISHED_MS;
    const missing = this.ordered.filter(({ id }) => !this.read.has(id));
    const waiting = missing.filter(({ status, created_at }) => status === "received" && young(created_at));
    const left = missing.filter((result) => this.hasLeft(result, newest, asked));
    if (waiting.length + left.length === 0) return;
    const from = [...waiting, ...left].map(({ created_at }) => created_at).sort()[0];
    const sent = performance.now();
    const { results, cursor } = await fetchResults({ task: this.selection.task, from, order: "oldest" }, { limit: MAX_PAGE_SIZE });
    const found = results.filter(({ id }) => this.known.has(id));
    this.keepRead(found, sent);
    for (const { id } of found) this.read.add(id);
    const end = results.at(-1)?.created_at ?? "";
    for (const { id, created_at } of left) if (cursor === null || created_at <= end) this.left.add(id);
  }

  /**
   * Whether the page would show a result if it still belonged to the selection.
   * @param {Result} result that it does not show
   * @param {ResultPage} page the first one of the selection
   * @param {number} asked time of its request
   */
  hasLeft(result, { results, cursor }, asked) {
    if (this.left.has(result.id) || this.isUnsettled(result.id, asked) || !isSelected(result, this.selection)) return false;
    const last = results.at(-1);
    return cursor === null || Boolean(last && compareIn(this.selection.order, result, last) < 0);
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
    this.dropped.delete(result.id);
    this.keep([result]);
  }

  /**
   * Remove a result that has left the list for good.
   * @param {string} id
   */
  drop(id) {
    const result = this.known.get(id);
    this.dropped.add(id);
    if (!result) return;
    this.ordered = [...this.ordered];
    this.remove(result);
    this.known.delete(id);
  }

  /**
   * Keep listed results, except those that may be older than a change made on this page.
   * @param {Result[]} results
   * @param {number} asked time of the request, by this page's clock
   */
  keepRead(results, asked) {
    this.keep(results.filter(({ id }) => !this.dropped.has(id) && !(this.known.has(id) && this.isUnsettled(id, asked))));
  }

  /**
   * Whether a list may not include a change made on this page.
   * @param {string} id of the result
   * @param {number} asked time of the list's request
   */
  isUnsettled(id, asked) {
    return asked < (this.changed.get(id) ?? -Infinity) + SETTLED_MS;
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

  /**
   * Start over after a page.
   * @param {Result} last of the page
   * @param {number} asked time of its request
   */
  forgetAfter(last, asked) {
    const after = this.ordered.filter((result) => compareIn(this.selection.order, result, last) > 0 && !this.isUnsettled(result.id, asked));
    this.ordered = [...this.ordered];
    for (const result of after) {
      this.remove(result);
      this.known.delete(result.id);
    }
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
  place(result) {
    const { order } = this.selection;
    let [first, end] = [0, this.ordered.length];
    while (first < end) {
      const middle = (first + end) >> 1;
      if (compareIn(order, this.ordered[middle], result) < 0) first = middle + 1;
      else end = middle;
    }
    return first;
  }
}

/**
 * The fields that a list shows; the others of 100,000 results would fill the memory.
 * @param {Result} result
 * @returns {Result}
 */
const listed = (result) => ({ ...result, probabilities: {}, heatmap: null, source: null, disclaimer: "" });

/**
 * Compare two results of a list; of several with the same probability, the newest is first.
 * @param {Selection["order"]} order
 * @param {Result} a
 * @param {Result} b
 */
function compareIn(order, a, b) {
  const sure = isByProbability(order) ? (a.probability ?? 0) - (b.probability ?? 0) : 0;
  const age = compare(a.created_at, b.created_at) || compare(a.id, b.id);
  return (order === "most-sure" ? -sure : sure) || (order === "oldest" ? age : -age);
}

/**
 * Compare timestamps of the same format as text.
 * @param {string} a
 * @param {string} b
 */
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
