// @ts-check
/** Waits for the results of many uploads with one request at a time, whatever their number. */
import { Problem, fetchResults } from "./api.js";

/** @import { Result } from "./types.js" */

const SHORTEST_MS = 1_000;
const LONGEST_MS = 8_000;

/** What the API hands out at most. */
const PAGE_SIZE = 200;

/** Pages read at a time, so that images of others between ours do not hide them. */
const MOST_PAGES = 5;

/**
 * @typedef {object} Awaited
 * @property {string} task
 * @property {string} since a time before the image was announced
 */

export class ResultWatch {
  /** @param {(result: Result) => void} onResult hears of each result once, classified or quarantined */
  constructor(onResult) {
    this.onResult = onResult;
    /** @type {Map<string, Awaited>} by result id */
    this.awaited = new Map();
    this.wait = SHORTEST_MS;
    this.timer = 0;
  }

  /**
   * @param {string} id
   * @param {Awaited} awaited
   */
  await(id, awaited) {
    this.awaited.set(id, awaited);
    this.wait = SHORTEST_MS;
    if (!this.timer) this.schedule();
  }

  schedule() {
    // Jitter, so that many pages do not ask in step.
    this.timer = window.setTimeout(() => this.ask(), this.wait * (0.8 + Math.random() * 0.4));
  }

  async ask() {
    const before = this.awaited.size;
    try {
      for (const task of new Set([...this.awaited.values()].map(({ task }) => task))) await this.askFor(task);
    } catch (error) {
      // The network comes back; whatever has arrived by then is found at the next try.
      if (!(error instanceof Problem)) throw error;
    } finally {
      this.wait = this.awaited.size < before ? SHORTEST_MS : Math.min(this.wait * 1.5, LONGEST_MS);
      this.timer = 0;
      if (this.awaited.size > 0) this.schedule();
    }
  }

  /** @param {string} task */
  async askFor(task) {
    const from = [...this.awaited.values()].filter((one) => one.task === task).map(({ since }) => since).sort()[0];
    let cursor = null;
    for (let page = 0; page < MOST_PAGES && (page === 0 || cursor); page++) {
      const answer = await fetchResults({ task, from, order: "oldest" }, { limit: PAGE_SIZE, cursor });
      cursor = answer.cursor;
      for (const result of answer.results) {
        if (result.status !== "received" && this.awaited.delete(result.id)) this.onResult(result);
      }
    }
  }
}
