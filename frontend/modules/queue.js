// @ts-check
/** Many images on their way: a few are sent at a time, each goes through its states, and nothing that was sent is lost. */
import { Problem } from "./api.js";
import { SentFiles, fingerprint } from "./fingerprint.js";
import { inspect } from "./imagefile.js";
import { reasonWords } from "./reasons.js";
import { ResultWatch } from "./resultwatch.js";
import { text } from "./text.js";
import { upload } from "./upload.js";

/** @import { Result } from "./types.js" */

/** Sent at the same time: enough to fill a line, too few to starve the rest of the page. */
const PARALLEL = 3;

/**
 * waiting, checking and sending are still on this device; classifying and all that follows are with the server.
 * @typedef {"waiting" | "checking" | "sending" | "classifying" | "classified" | "known" | "unreadable" | "failed" | "cancelled"} State
 */

/**
 * @typedef {object} Item
 * @property {number} number
 * @property {File} file
 * @property {string} task
 * @property {State} state
 * @property {number} share uploaded, 0 to 1
 * @property {string} id of its result; empty before there is one
 * @property {string} message why it is unreadable or failed
 * @property {AbortController} stop
 */

/** Problems of the file itself, which stay however often it is sent. */
const HOPELESS = new Set(["Empty", "NoImage", "TooLarge", "Unreadable", "ImageTooLarge"]);

/** @type {ReadonlySet<State>} */
const ON_DEVICE = new Set(["waiting", "checking", "sending"]);

export class Queue {
  /**
   * @param {object} listeners
   * @param {() => void} listeners.onChange
   * @param {(item: Item, result: Result) => void} listeners.onResult
   */
  constructor({ onChange, onResult }) {
    this.onChange = onChange;
    this.onResult = onResult;
    /** @type {Item[]} */
    this.items = [];
    this.paused = false;
    this.running = 0;
    this.numbered = 0;
    this.sent = new SentFiles();
    /** @type {Map<string, Promise<void>>} by task and fingerprint */
    this.sending = new Map();
    this.watch = new ResultWatch((result) => this.finish(result));
  }

  /**
   * @param {string} task
   * @param {File[]} files
   */
  add(task, files) {
    for (const file of files) {
      const stop = new AbortController();
      this.items.push({ number: this.numbered++, file, task, state: "waiting", share: 0, id: "", message: "", stop });
    }
    this.changed();
  }

  /** How many images are in each state. */
  counts() {
    const counts = /** @type {Record<State, number>} */ ({
      waiting: 0, checking: 0, sending: 0, classifying: 0, classified: 0, known: 0, unreadable: 0, failed: 0, cancelled: 0,
    });
    for (const { state } of this.items) counts[state]++;
    return counts;
  }

  /** How many images would stay behind if the page were left now. */
  get unsent() {
    return this.items.filter(({ state }) => ON_DEVICE.has(state)).length;
  }

  /** Whether anything goes on, or would if it were not for the pause. */
  get busy() {
    return this.items.some(({ state }) => ON_DEVICE.has(state) || state === "classifying");
  }

  pause() {
    this.paused = true;
    this.changed();
  }

  resume() {
    this.paused = false;
    this.changed();
  }

  /** Send nothing more. What was sent is classified all the same. */
  cancel() {
    for (const item of this.items) if (ON_DEVICE.has(item.state)) this.stop(item);
    this.paused = false;
    this.changed();
  }

  /** @param {Item} item */
  cancelOne(item) {
    if (ON_DEVICE.has(item.state)) this.stop(item);
    this.changed();
  }

  /** @param {Item} item */
  stop(item) {
    item.state = "cancelled";
    item.stop.abort();
  }

  /** @param {Item[]} items those that failed or were cancelled */
  retry(items) {
    for (const item of items) Object.assign(item, { state: "waiting", share: 0, message: "", stop: new AbortController() });
    this.changed();
  }

  /** Forget everything that has come to its end. */
  clear() {
    this.items = [];
    this.changed();
  }

  changed() {
    while (!this.paused && this.running < PARALLEL) {
      const next = this.items.find(({ state }) => state === "waiting");
      if (!next) break;
      this.running++;
      this.process(next).finally(() => {
        this.running--;
        this.changed();
      });
    }
    this.onChange();
  }

  /** @param {Item} item */
  async process(item) {
    // An item that is tried again gets another one.
    const { signal } = item.stop;
    item.state = "checking";
    try {
      const kind = await inspect(item.file);
      if (!kind.mayBeImage) throw new Problem(text.problem.noImage, { code: "NoImage" });
      const print = await fingerprint(item.file);
      signal.throwIfAborted();
      const known = print && (await this.earlier(`${item.task}/${print}`));
      signal.throwIfAborted();
      if (known) Object.assign(item, { state: "known", id: known });
      else await this.sendOnce(item, kind.contentType, print, signal);
    } catch (error) {
      // Cancelling has already said what became of it.
      if (!signal.aborted) this.fail(item, error);
    }
  }

  /**
   * The result of the same content, also where it is only just being sent.
   * @param {string} key task and fingerprint
   * @returns {Promise<string | undefined>} its id
   */
  async earlier(key) {
    // Once the twin has failed or was cancelled, this one takes its place.
    await this.sending.get(key)?.catch(() => {});
    return this.sent.find(key);
  }

  /**
   * @param {Item} item
   * @param {string} contentType
   * @param {string | null} print
   * @param {AbortSignal} signal
   */
  async sendOnce(item, contentType, print, signal) {
    const sending = this.send(item, contentType, print, signal);
    if (!print) return sending;
    const key = `${item.task}/${print}`;
    this.sending.set(key, sending);
    await sending.finally(() => this.sending.delete(key));
  }

  /**
   * @param {Item} item
   * @param {string} contentType
   * @param {string | null} print
   * @param {AbortSignal} signal
   */
  async send(item, contentType, print, signal) {
    item.state = "sending";
    this.onChange();
    const ticket = await upload(item.task, item.file, contentType, {
      signal,
      onUpload: (share) => {
        item.share = share;
        this.onChange();
      },
    });
    Object.assign(item, { state: "classifying", share: 1, id: ticket.id });
    if (print) this.sent.note(`${item.task}/${print}`, ticket.id);
    this.watch.await(ticket.id, { task: item.task, since: ticket.since });
  }

  /** @param {Result} result */
  finish(result) {
    const item = this.items.find(({ id, state }) => id === result.id && state === "classifying");
    if (!item) return;
    const unreadable = result.status === "quarantined";
    item.state = unreadable ? "unreadable" : "classified";
    item.message = unreadable ? result.reasons.map(reasonWords).join(" ") : "";
    this.onResult(item, result);
    this.onChange();
  }

  /**
   * @param {Item} item
   * @param {unknown} error
   */
  fail(item, error) {
    // A defect of the page itself is for the console; the reader still gets a sentence.
    if (!(error instanceof Problem)) console.error(error);
    const problem = error instanceof Problem ? error : new Problem(text.problem.server);
    item.state = HOPELESS.has(problem.code) ? "unreadable" : "failed";
    item.message = problem.message;
  }
}
