// @ts-check
/** Classifies in this browser. The model is downloaded once; images are not sent anywhere. */
import { Problem } from "../api.js";
import { text } from "../text.js";
import { WindowedImage } from "../windowing.js";
import { answer } from "./answer.js";
import { obtain } from "./package.js";

/** @import { HeatMap, Result, Task } from "../types.js" */
/** @import { Picture } from "../picture.js" */
/** @import { Outputs } from "./answer.js" */
/** @import { Package } from "./package.js" */

/** @typedef {{graph: ArrayBuffer} | {file: Blob, contentType: string, input: Task["input"]}} Order a request to the worker */

/**
 * @typedef {object} Answer
 * @property {Result} result
 * @property {Record<string, HeatMap>} heatMaps by class
 * @property {Picture} [prepared] model input; only as long as the page is open
 */

export class DeviceClassifier {
  constructor() {
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", ({ data }) => this.onMessage(data));
    this.worker.addEventListener("error", () => this.fail());
    this.lastNumber = 0;
    /** @type {Map<number, {resolve: (done: any) => void, reject: (problem: Problem) => void}>} */
    this.waiting = new Map();
    /** The model that the worker has open. @type {Package | null} */
    this.model = null;
    /** The last request; they run one after the other, since the worker has one model open. @type {Promise<unknown>} */
    this.last = Promise.resolve();
  }

  /**
   * Load the model of a task.
   * @param {Task} task
   * @param {string} disclaimer
   * @param {{signal: AbortSignal, onProgress: (share: number | null) => void}} options
   * @returns {Promise<Package>}
   */
  open(task, disclaimer, options) {
    return this.inTurn(() => this.ready(task, disclaimer, options));
  }

  /**
   * @param {Task} task
   * @param {string} disclaimer
   * @param {Blob} file
   * @param {string} contentType
   * @param {{signal: AbortSignal, onProgress: (share: number | null) => void}} options
   * @returns {Promise<Answer>}
   * @throws {Problem} if the file cannot be prepared exactly as on the server
   */
  classify(task, disclaimer, file, contentType, options) {
    return this.inTurn(async () => {
      const model = await this.ready(task, disclaimer, options);
      options.signal.throwIfAborted();
      /** @type {{outputs: Outputs, pixels: Uint8Array}} */
      const { outputs, pixels } = await this.ask({ file, contentType, input: task.input });
      const id = `device-${crypto.randomUUID()}`;
      return { ...answer(id, model, outputs), prepared: pictureOf(pixels, outputs.box, task.input) };
    });
  }

  /**
   * @param {Task} task
   * @param {string} disclaimer
   * @param {{signal: AbortSignal, onProgress: (share: number | null) => void}} options
   */
  async ready(task, disclaimer, options) {
    if (this.model?.task.name === task.name && this.model.sha256 === task.model?.sha256) return this.model;
    this.model = null;
    const { model, graph } = await obtain(task, disclaimer, options);
    options.onProgress(null);
    await this.ask({ graph }, [graph]);
    return (this.model = model);
  }

  /**
   * @template Done
   * @param {() => Promise<Done>} action
   * @returns {Promise<Done>}
   */
  inTurn(action) {
    const mine = this.last.then(action);
    this.last = mine.catch(() => {});
    return mine;
  }

  /**
   * @param {Order} order
   * @param {Transferable[]} [handedOver]
   * @returns {Promise<any>}
   */
  ask(order, handedOver = []) {
    return new Promise((resolve, reject) => {
      const number = ++this.lastNumber;
      this.waiting.set(number, { resolve, reject });
      this.worker.postMessage({ number, ...order }, handedOver);
    });
  }

  /** @param {{number: number, done?: unknown, reason?: keyof typeof text.device.reasons, message?: string}} answer */
  onMessage({ number, done, reason, message }) {
    const waiting = this.waiting.get(number);
    this.waiting.delete(number);
    if (!reason) return waiting?.resolve(done);
    if (reason === "failed") console.error(message);
    return waiting?.reject(refusal(reason));
  }

  /** The worker could not be loaded, or has crashed. */
  fail() {
    this.model = null;
    for (const { reject } of this.waiting.values()) reject(refusal("failed"));
    this.waiting.clear();
  }
}

/** Reasons for which the server refuses the file as well, with its error codes. @type {Partial<Record<keyof typeof text.device.reasons, string>>} */
const VERDICTS = { tooLarge: "ImageTooLarge", tooSmall: "ImageTooSmall" };

/**
 * @param {keyof typeof text.device.reasons} reason
 * @returns {Problem} with the reason and what to do
 */
function refusal(reason) {
  const explanation = text.device.reasons[reason];
  const waits = !(reason in VERDICTS) && !navigator.onLine;
  return new Problem(waits ? `${explanation} ${text.device.noConnection}` : explanation, { code: VERDICTS[reason] ?? "NotPrepared" });
}

/**
 * The model input without its padding.
 * @param {Uint8Array} pixels
 * @param {Outputs["box"]} box
 * @param {Task["input"]} input
 * @returns {Picture}
 */
function pictureOf(pixels, [left, top, width, height], { width: columns, height: rows, channels }) {
  const data = new Uint8Array(width * height * channels);
  for (let at = 0; at < data.length; at++) {
    const [channel, pixel] = [at % channels, Math.floor(at / channels)];
    const [x, y] = [left + (pixel % width), top + Math.floor(pixel / width)];
    data[at] = pixels[(channel * rows + y) * columns + x];
  }
  const samples = { width, height, channels, data, slope: 1, intercept: 0, inverted: false, window: { low: 0, high: 255 } };
  return { image: new WindowedImage({ samples }), own: false, caption: text.lightBox.preparedImage(text.lightBox.size(width, height)) };
}
