// @ts-check
/**
 * Waits for the results of many uploads. The task's list is read from the oldest image awaited to the newest, a few pages
 * at a time, over as many polls as that takes: however long one image is stuck, results behind it are seen. Images that are
 * not in the list where they should be, such as where clocks differ, are asked for one by one.
 */
import { Problem, fetchResult } from "./api.js";
import { ResultPass } from "./resultpass.js";
import { isTransient } from "./retry.js";

/** @import { Result } from "./types.js" */

const MIN_WAIT_MS = 1_000;
const MAX_WAIT_MS = 8_000;
/** The longest wait while nobody looks, or while all that is left is overdue. */
const MAX_IDLE_WAIT_MS = 60_000;

/** Pages read of a task's list in one poll. */
const MAX_PAGES = 5;
/** Images asked for by id in one poll, and how long the list is trusted to show an image first. */
const MAX_SINGLE = 5;
const LIST_MS = 10_000;

/** After this long somebody is told that an image has no result yet. */
const OVERDUE_MS = 120_000;

/** After this long the server's sweep has made its last try (5 tries, 10 minutes apart), and nothing more is to be expected. */
const GIVE_UP_MS = 4_200_000;

/**
 * @typedef {object} Awaited
 * @property {string} id of the result
 * @property {string} task
 * @property {string} since a time before the image was announced, by the server's clock
 * @property {number} sent when waiting began, by this page's own clock (performance.now)
 * @property {number} asked when the image was last asked for by id, by the same clock; 0 if never
 * @property {boolean} missed whether the list did not show it
 * @property {boolean} overdue
 */

export class ResultWatch {
  /**
   * @param {object} listeners
   * @param {(result: Result) => void} listeners.onResult called once for each result, classified or quarantined
   * @param {(id: string) => void} listeners.onOverdue called once for an image that takes long
   * @param {(id: string) => void} listeners.onGiveUp called for an image that is not awaited any longer
   */
  constructor({ onResult, onOverdue, onGiveUp }) {
    this.onResult = onResult;
    this.onOverdue = onOverdue;
    this.onGiveUp = onGiveUp;
    /** @type {Map<string, Awaited>} by result id */
    this.awaited = new Map();
    /** @type {Map<string, ResultPass>} readings under way, by task */
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
   * @param {{task: string, since: string}} image `since`: a time before it was announced, by the server's clock
   */
  await(id, { task, since }) {
    this.awaited.set(id, { id, task, since, sent: performance.now(), asked: 0, missed: false, overdue: false });
    this.wait = MIN_WAIT_MS;
    this.hurry(MIN_WAIT_MS);
  }

  /**
   * Ask no later than after so many milliseconds.
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
      // Jitter, so that many pages do not ask in step.
      if (this.awaited.size > 0) this.schedule(this.wait * (0.8 + Math.random() * 0.4));
    }
  }

  get longest() {
    const nobodyWaits = document.hidden || [...this.awaited.values()].every(({ overdue }) => overdue);
    return nobodyWaits ? MAX_IDLE_WAIT_MS : MAX_WAIT_MS;
  }

  /**
   * What one task's list cannot answer must not hold up the others.
   * @param {() => Promise<void>} action
   * @param {() => void} onRefusal called where trying the same again is of no use
   */
  async reach(action, onRefusal) {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // The network comes back; whatever has arrived by then is found at the next try.
      if (!isTransient(error)) onRefusal();
    }
  }

  /**
   * Go on reading where the poll before has stopped.
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

  /** Ask by id for what the list has not shown, those first that have not been asked for the longest time. */
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

  /** @param {Awaited} one that has been asked for and has no result */
  checkGivenUp(one) {
    if (performance.now() - one.sent < GIVE_UP_MS) return;
    this.awaited.delete(one.id);
    this.onGiveUp(one.id);
  }

  /** @param {Awaited} one that has been looked for */
  checkOverdue(one) {
    if (one.overdue || !this.awaited.has(one.id) || performance.now() - one.sent < OVERDUE_MS) return;
    one.overdue = true;
    this.onOverdue(one.id);
  }
}
