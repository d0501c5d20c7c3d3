// @ts-check
/** The upload queue: sends a few images at a time, tracks the state of each, and waits for the results. */
import { orAborted } from "./abort.js";
import { Problem, whenLoaded } from "./api.js";
import { SentFiles, fingerprint } from "./fingerprint.js";
import { inspect } from "./imagefile.js";
import { reasonText } from "./reasons.js";
import { withRetries } from "./retry.js";
import { text } from "./text.js";

/** @import { Result, Task } from "./types.js" */

/** Parallel uploads: enough to use the connection, too few to slow down the rest of the page. */
const PARALLEL = 3;

/**
 * waiting, checking and sending: the image is still on this device. classifying and overdue: the server has it, and its
 * result is pending. All other states are final; only failed and cancelled images are certainly not on the server.
 * @typedef {"waiting" | "checking" | "sending" | "classifying" | "overdue" | "classified" | "known" | "unreadable"
 *   | "unanswered" | "failed" | "cancelled"} State
 */

/**
 * @typedef {object} Item
 * @property {number} number
 * @property {File} file
 * @property {string} task
 * @property {State} state
 * @property {number} share uploaded, 0 to 1
 * @property {string} id of its result; empty until known
 * @property {string | null} key of its content: task and fingerprint; null until known
 * @property {boolean} repeated whether another file with the same content was sent instead
 * @property {string} message why it is not classified
 * @property {Result | null} result once it is classified
 * @property {AbortController} stop
 */

/** Problems of the file itself, which a retry cannot solve. */
const PERMANENT = new Set(["Empty", "NoImage", "TooLarge", "Unreadable", "ImageTooLarge"]);

/** @type {ReadonlySet<State>} */
const ON_DEVICE = new Set(["waiting", "checking", "sending"]);

/** @type {ReadonlySet<State>} */
const AWAITED = new Set(["classifying", "overdue"]);

/** @type {ReadonlySet<State>} states that can be retried */
const RETRYABLE = new Set(["failed", "cancelled", "unanswered"]);

export class Queue {
  /**
   * @param {object} listeners
   * @param {() => void} listeners.onChange
   * @param {(item: Item, result: Result) => void} listeners.onResult
   * @param {(name: string) => Task | undefined} findTask
   */
  constructor({ onChange, onResult }, findTask) {
    this.findTask = findTask;
    this.onChange = onChange;
    this.onResult = onResult;
    /** @type {Item[]} */
    this.items = [];
    this.paused = false;
    this.running = 0;
    this.numbered = 0;
    this.sent = new SentFiles();
    /** Uploads in progress; each promise resolves when its upload has ended, successfully or not. @type {Map<string, Promise<void>>} by key */
    this.sending = new Map();
    /** @type {import("./resultwatch.js").ResultWatch | null} */
    this.watch = null;
    /** @type {Promise<typeof import("./upload.js")> | null} */
    this.uploader = null;
  }

  /**
   * @param {string} task
   * @param {File[]} files
   */
  add(task, files) {
    for (const file of files) {
      this.items.push({ number: this.numbered++, file, task, ...freshItem() });
    }
    for (const module of [this.watching(), this.uploading()]) module.catch(() => {}); // it is loaded again when needed
    this.changed();
  }

  /** How many images are in each state. */
  counts() {
    const counts = /** @type {Record<State, number>} */ ({
      waiting: 0, checking: 0, sending: 0, classifying: 0, overdue: 0, classified: 0, known: 0, unreadable: 0, unanswered: 0,
      failed: 0, cancelled: 0,
    });
    for (const { state } of this.items) counts[state]++;
    return counts;
  }

  /** Images that would be lost if the page were left now. */
  get unsent() {
    return this.items.filter(({ state }) => ON_DEVICE.has(state)).length;
  }

  /** Whether there is work in progress, or paused. */
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

  /** Cancel what is not sent yet. Images that were sent are still classified. */
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

  /**
   * Retry those of the items that ended without a result.
   * @param {Item[]} items
   */
  retry(items) {
    for (const item of items) if (RETRYABLE.has(item.state)) Object.assign(item, freshItem());
    this.changed();
  }

  /** Remove the items in a final state. */
  clear() {
    this.items = this.items.filter(({ state }) => ON_DEVICE.has(state) || AWAITED.has(state));
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
    // A retry gives the item another one.
    const { signal } = item.stop;
    item.state = "checking";
    try {
      const kind = await inspect(item.file);
      const print = await fingerprint(item.file);
      signal.throwIfAborted();
      item.key = print && `${item.task}/${print}`;
      await this.sendOnce(item, kind.contentType, signal);
    } catch (error) {
      // A cancelled item is already marked as such.
      if (!signal.aborted) this.fail(item, error);
    }
  }

  /**
   * Send a file unless the same content was sent before. Of several files with the same content, one is sent at a time: if it
   * fails or is cancelled, the next is sent; otherwise the others share its result.
   * @param {Item} item
   * @param {string} contentType
   * @param {AbortSignal} signal
   */
  async sendOnce(item, contentType, signal) {
    const { key } = item;
    if (key === null) return this.send(item, contentType, signal);
    for (let other; (other = this.sending.get(key)); ) await orAborted(other, signal);
    // No await between here and the entry in `sending`, or two files that waited for the same upload would both be sent.
    const earlier = this.sent.find(key);
    if (earlier && this.awaiting(earlier).length) return this.share(item, earlier);
    const sending = this.sendUnlessKnown(item, key, contentType, signal);
    this.sending.set(key, sending.catch(() => {}).finally(() => this.sending.delete(key)));
    return sending;
  }

  /**
   * @param {Item} item
   * @param {string} key
   * @param {string} contentType
   * @param {AbortSignal} signal
   */
  async sendUnlessKnown(item, key, contentType, signal) {
    const known = await withRetries(() => this.sent.result(key, this.findTask(item.task), signal), signal);
    if (known) this.share(item, known.id);
    else await this.send(item, contentType, signal);
  }

  /**
   * Give an item the state of the same content that was sent before.
   * @param {Item} item
   * @param {string} id of the result
   */
  share(item, id) {
    const first = this.items.find((other) => other.id === id);
    Object.assign(item, { id, repeated: true, state: "known", result: first?.result ?? null });
    if (first && AWAITED.has(first.state)) Object.assign(item, { state: first.state, share: 1, message: first.message });
  }

  /**
   * @param {Item} item
   * @param {string} contentType
   * @param {AbortSignal} signal
   */
  async send(item, contentType, signal) {
    item.state = "sending";
    this.onChange();
    const { upload } = await withRetries(() => this.uploading(), signal);
    const ticket = await upload(item.task, item.file, contentType, {
      signal,
      onUpload: (share) => {
        item.share = share;
        this.onChange();
      },
    });
    Object.assign(item, { state: "classifying", share: 1, id: ticket.id });
    if (item.key) this.sent.note(item.key, ticket.id);
    const watch = await withRetries(() => this.watching(), signal);
    watch.await(ticket.id, { task: item.task, since: ticket.since });
  }

  /** The module that uploads, loaded with the first upload. One promise for all images keeps them in their order. */
  uploading() {
    return (this.uploader ??= whenLoaded(import("./upload.js")).catch((error) => {
      this.uploader = null;
      throw error;
    }));
  }

  /** The watcher for results. It is loaded with the first upload, since most visits have none. */
  async watching() {
    const { ResultWatch } = await whenLoaded(import("./resultwatch.js"));
    return (this.watch ??= new ResultWatch({
      onResult: (result) => this.finish(result),
      onOverdue: (id) => this.tell(id, "overdue", text.queue.overdue),
      onGiveUp: (id) => this.giveUp(id),
    }));
  }

  /** @param {Result} result */
  finish(result) {
    const [first] = this.awaiting(result.id);
    if (!first) return;
    if (result.status === "quarantined") this.tell(result.id, "unreadable", result.reasons.map(reasonText).join(" "));
    else this.tell(result.id, "classified", "", result);
    this.onResult(first, result);
  }

  /**
   * No result will come: allow the same content to be sent again.
   * @param {string} id
   */
  giveUp(id) {
    for (const { key } of this.awaiting(id)) if (key) this.sent.forget(key);
    this.tell(id, "unanswered", text.queue.unanswered);
  }

  /**
   * Update all items that wait for a result.
   * @param {string} id of the result
   * @param {State} state
   * @param {string} message
   * @param {Result | null} [result]
   */
  tell(id, state, message, result = null) {
    for (const item of this.awaiting(id)) {
      Object.assign(item, { state: state === "classified" && item.repeated ? "known" : state, message, result });
    }
    this.onChange();
  }

  /**
   * The items that wait for a result: one, or several with the same content.
   * @param {string} id of the result
   */
  awaiting(id) {
    return this.items.filter((item) => item.id === id && AWAITED.has(item.state));
  }

  /**
   * @param {Item} item
   * @param {unknown} error
   */
  fail(item, error) {
    // An error that is not a Problem is a bug of the page: log it, and show a general message.
    if (!(error instanceof Problem)) console.error(error);
    const problem = error instanceof Problem ? error : new Problem(text.problem.server);
    item.state = PERMANENT.has(problem.code) ? "unreadable" : "failed";
    item.message = problem.message;
  }
}

/** @returns {Omit<Item, "number" | "file" | "task">} the state of a new item */
const freshItem = () => ({ state: "waiting", share: 0, id: "", key: null, repeated: false, message: "", result: null, stop: new AbortController() });
