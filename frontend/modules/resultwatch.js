// @ts-check
/**
 * Waits for the results of many uploads. Each poll reads a few pages of the task's list, from the oldest pending image to
 * the newest, so that results behind a stuck image are found as well. Images that are missing from the list, for example
 * because clocks differ, are requested one by one.
 */
import { Problem, fetchResult } from "./api.js";
import { ResultPass } from "./resultpass.js";
import { isTransient } from "./retry.js";

/** @import { Result } from "./types.js" */

const MIN_WAIT_MS = 1_000;
const MAX_WAIT_MS = 8_000;
/** Longest wait while the page is hidden, or all pending images are overdue. */
const MAX_IDLE_WAIT_MS = 60_000;

/** Pages per task and poll. */
const MAX_PAGES = 5;
/** Images requested by id per poll, and how long to wait for the list to show an image first. */
const MAX_SINGLE = 5;
const LIST_MS = 10_000;

/** After this time, an image is reported as overdue. */
const OVERDUE_MS = 120_000;

/** After this time, the server's sweeper has made its last try (5 tries, 10 minutes apart). */
const GIVE_UP_MS = 4_200_000;

/**
 * @typedef {object} Awaited
 * @property {string} id of the result
 * @property {string} task
 * @property {string} since a time before the result was created, by the server's clock
 * @property {number} sent start of waiting, by this page's clock (performance.now)
 * @property {number} asked last request by id, by the same clock; 0 if never
 * @property {boolean} missed whether the list did not show it
 * @property {boolean} overdue
 */

export class ResultWatch {
  /**
   * @param {object} listeners
   * @param {(result: Result) => void} listeners.onResult called once for each result, classified or quarantined
   * @param {(id: string) => void} listeners.onOverdue called once for an overdue image
   * @param {(id: string) => void} listeners.onGiveUp called for an image that is given up
   */
  constructor({ onResult, onOverdue, onGiveUp }) {
    this.onResult = onResult;
    this.onOverdue = onOverdue;
    this.onGiveUp = onGiveUp;
    /** @type {Map<string, Awaited>} by result id */
    this.awaited = new Map();
    /** @type {Map<string, ResultPass>} unfinished passes, by task */
    this.reading = new Map();
    this.wait = MIN_WAIT_MS;
    this.timer = 0;
    this.due = Infinity;
    this.asking = false;
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry(0));
    addEventListener("online", () => this.hurry(0));
  }

  /**
   * @param {string} id
   * @param {{task: string, since: string}} image `since`: a time before the result was created, by the server's clock
   */
  await(id, { task, since }) {
    this.awaited.set(id, { id, task, since, sent: performance.now(), asked: 0, missed: false, overdue: false });
    this.wait = MIN_WAIT_MS;
    this.hurry(MIN_WAIT_MS);
  }

  /**
   * Poll after at most this time.
   * @param {number} wait
   */
  hurry(wait) {
    if (!this.asking && this.awaited.size > 0 && this.due > performance.now() + wait) this.schedule(wait);
  }

  /** @param {number} wait milliseconds */
  schedule(wait) {
    clearTimeout(this.timer);
    this.due = performance.now() + wait;
    this.timer = window.setTimeout(() => this.ask(), wait);
  }

  async ask() {
    this.asking = true;
    const before = this.awaited.size;
    const tasks = new Set([...this.awaited.values()].map(({ task }) => task));
    try {
      for (const task of tasks) await this.reach(() => this.readList(task), () => this.reading.delete(task));
      await this.reach(() => this.askSingly(), () => {});
    } finally {
      this.asking = false;
      this.due = Infinity;
      const news = this.awaited.size < before || this.reading.size > 0;
      this.wait = news ? MIN_WAIT_MS : Math.min(this.wait * 1.5, this.longest);
      // Jitter, so that many pages do not poll at the same moments.
      if (this.awaited.size > 0) this.schedule(this.wait * (0.8 + Math.random() * 0.4));
    }
  }

  get longest() {
    const lowPriority = document.hidden || [...this.awaited.values()].every(({ overdue }) => overdue);
    return lowPriority ? MAX_IDLE_WAIT_MS : MAX_WAIT_MS;
  }

  /**
   * Run an action; its failure must not affect other tasks.
   * @param {() => Promise<void>} action
   * @param {() => void} onRefusal called if a retry cannot help
   */
  async reach(action, onRefusal) {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // A transient problem: the next poll continues.
      if (!isTransient(error)) onRefusal();
    }
  }

  /**
   * Continue the pass where the previous poll stopped.
   * @param {string} task
   */
  async readList(task) {
    const awaited = [...this.awaited.values()].filter((one) => one.task === task);
    const pass = this.reading.get(task) ?? new ResultPass(task, awaited);
    this.reading.set(task, pass);
    for (let page = 0; page < MAX_PAGES && !pass.done; page++) (await pass.next()).forEach((result) => this.learn(result));
    if (!pass.done) return;
    this.reading.delete(task);
    for (const id of pass.missed) Object.assign(this.awaited.get(id) ?? {}, { missed: true });
    for (const one of awaited) this.checkOverdue(one);
  }

  /** Request images that the list does not show by id, the least recently requested first. */
  async askSingly() {
    const hidden = [...this.awaited.values()].filter(({ missed, sent }) => missed && performance.now() - sent > LIST_MS);
    for (const one of hidden.sort((a, b) => a.asked - b.asked).slice(0, MAX_SINGLE)) {
      one.asked = performance.now();
      try {
        this.learn(await fetchResult(one.id));
      } catch (error) {
        if (!(error instanceof Problem && error.status === 404)) throw error;
        this.checkGivenUp(one);
      }
    }
  }

  /** @param {Result} result */
  learn(result) {
    const one = this.awaited.get(result.id);
    if (!one) return;
    if (result.status === "received") {
      this.checkGivenUp(one);
    } else {
      this.awaited.delete(one.id);
      this.onResult(result);
    }
  }

  /** @param {Awaited} one that was requested and has no result */
  checkGivenUp(one) {
    if (performance.now() - one.sent < GIVE_UP_MS) return;
    this.awaited.delete(one.id);
    this.onGiveUp(one.id);
  }

  /** @param {Awaited} one that was looked for */
  checkOverdue(one) {
    if (one.overdue || !this.awaited.has(one.id) || performance.now() - one.sent < OVERDUE_MS) return;
    one.overdue = true;
    this.onOverdue(one.id);
  }
}
