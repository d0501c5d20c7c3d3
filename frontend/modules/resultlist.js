// @ts-check
/** The results of a selection as far as they have been read, in order, kept up to date. Knows nothing of the page. */
import { fetchResults } from "./api.js";

/** @import { Result, ResultPage, Selection } from "./types.js" */

const PAGE_SIZE = 50;

/** What the API hands out at most. */
const MAX_PAGE_SIZE = 200;

/** Leave to upload has ended and every further try has been made long before: what has not come by now does not come. */
export const UNFINISHED_MS = 3_600_000;

/**
 * For so long after a change on this page, what the server lists may be older than the change: its indexes follow a little
 * later.
 */
const SETTLED_MS = 5_000;

export class ResultList {
  /** @param {Selection} selection */
  constructor(selection) {
    this.selection = selection;
    /** @type {Map<string, Result>} */
    this.known = new Map();
    /** @type {Result[]} in the selection's order; another array whenever anything has changed */
    this.ordered = [];
    /** How many images were reviewed, of how many that can be. */
    this.progress = { reviewed: 0, total: 0 };
    /** @type {string | null} where the next page begins */
    this.cursor = null;
    this.loaded = false;
    /** When results were changed on this page, by this page's clock. @type {Map<string, number>} by id */
    this.changed = new Map();
    /** @type {Promise<void> | null} */
    this.reading = null;
  }

  /**
   * Ask what is new.
   * @returns {Promise<number>} how many results had not been there
   */
  async refresh() {
    if (this.loaded && this.selection.order === "oldest") {
      // What is new stands at the end, and is read when that is reached.
      await this.followWaiting();
      return this.cursor === null ? this.readOn() : 0;
    }
    const asked = performance.now();
    const page = await fetchResults(this.selection, { limit: PAGE_SIZE });
    const fresh = page.results.filter(({ id }) => !this.known.has(id)).length;
    const gap = fresh === page.results.length && page.cursor !== null;
    // With a gap between the newest page and those known, the list begins anew rather than hide what lies between.
    if (gap) this.forget();
    if (gap || !this.loaded) this.cursor = page.cursor;
    this.keepRead(page.results, asked);
    const first = !this.loaded;
    this.loaded = true;
    await this.followWaiting(page.results);
    return first ? 0 : fresh;
  }

  /** How many of the results that have been read are still on their way. */
  get waiting() {
    return this.ordered.filter(({ status }) => status === "received").length;
  }

  /**
   * Ask again for what was still on its way, also far down the list: one page at a time, the oldest first.
   * @param {Result[]} [read] results that have only just been asked for
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
   * Read the next page.
   * @returns {Promise<number>} how many results it held that had not been there
   */
  async readOn() {
    const asked = performance.now();
    const page = await fetchResults(this.selection, { limit: MAX_PAGE_SIZE, cursor: this.cursor });
    const fresh = page.results.filter(({ id }) => !this.known.has(id)).length;
    this.cursor = page.cursor;
    this.keepRead(page.results, asked);
    return fresh;
  }

  /** Read the next page, unless one is being read already. */
  more() {
    if (this.cursor !== null) this.reading ??= this.readOn().then(() => {}).finally(() => (this.reading = null));
    return this.reading;
  }

  /**
   * Keep a result as this page has just made or changed it, whatever pages say that were asked for before.
   * @param {Result} result
   */
  keepChanged(result) {
    this.changed.set(result.id, performance.now());
    this.keep([result]);
  }

  /**
   * Keep what the server listed, but for results that it may list as they were before a change on this page.
   * @param {Result[]} results
   * @param {number} asked when they were asked for, by this page's clock
   */
  keepRead(results, asked) {
    const older = (/** @type {Result} */ { id }) => this.known.has(id) && asked < (this.changed.get(id) ?? -Infinity) + SETTLED_MS;
    this.keep(results.filter((result) => !older(result)));
  }

  /** @param {Result[]} results any order; of two with one id the later counts */
  keep(results) {
    if (results.length === 0) return;
    this.ordered = [...this.ordered];
    for (const result of results) {
      const before = this.known.get(result.id);
      if (before) this.remove(before);
      this.insert(listed(result));
    }
  }

  /** Begin anew. */
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
   * Where a result stands, or would stand: a hundred thousand are not sorted anew for one of them.
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
 * Whether a result that changed or was made here belongs into a list.
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
 * What a list shows: of a hundred thousand results the rest would fill the memory.
 * @param {Result} result
 * @returns {Result}
 */
const listed = (result) => ({ ...result, probabilities: {}, heatmap: null, source: null, disclaimer: "" });

/**
 * Times of one form, as text.
 * @param {string} a
 * @param {string} b
 */
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
