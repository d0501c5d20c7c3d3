// @ts-check
/** The switch "On this device": classifies images in this browser. What that needs is loaded when it is turned on. */
import { announce } from "./announcer.js";
import { Problem } from "./api.js";
import { ResultStore } from "./device/resultstore.js";
import { byId, element, fill } from "./dom.js";
import { count, wholePercent } from "./format.js";
import { inspect } from "./imagefile.js";
import { prefer, preference } from "./preferences.js";
import { resultRow } from "./resultrow.js";
import { text } from "./text.js";

/** @import { Answer, DeviceClassifier } from "./device/classifier.js" */
/** @import { Catalogue, Result, Task } from "./types.js" */

const PREFERENCE = "device";
const ON = "on";

/** @param {string} id of a result */
export const isFromDevice = (id) => id.startsWith("device-");

/** Without HTTPS, browsers can neither store packages nor verify them. */
const POSSIBLE = isSecureContext && "caches" in globalThis && "DecompressionStream" in globalThis;

export class OnDevice {
  /**
   * @param {object} page
   * @param {(name: string) => Task | undefined} page.find
   * @param {() => void} page.onSwitch
   * @param {(result: Result, file: File) => void} page.onResult
   */
  constructor({ find, onSwitch, onResult }) {
    this.find = find;
    this.onResult = onResult;
    this.toggle = byId("on-device", HTMLInputElement);
    this.status = byId("on-device-status", HTMLElement);
    this.section = byId("device-results", HTMLElement);
    this.rows = byId("device-rows", HTMLElement);
    this.on = POSSIBLE && preference(PREFERENCE) === ON;
    this.disclaimer = "";
    /** Whether the page itself is cached, so that it opens offline. */
    this.offline = false;
    this.open = "";
    /** @type {Task | undefined} */
    this.task = undefined;
    /** @type {Promise<DeviceClassifier> | null} */
    this.classifier = null;
    this.results = new ResultStore();
    this.stop = new AbortController();
    /** Files that could not be classified, with the reason. @type {{name: string, message: string}[]} */
    this.failed = [];
    this.toggle.checked = this.on;
    this.toggle.disabled = !POSSIBLE;
    this.toggle.addEventListener("change", () => {
      this.on = this.toggle.checked;
      prefer(PREFERENCE, this.on ? ON : "off");
      this.stop.abort();
      this.stop = new AbortController();
      this.ready();
      onSwitch();
    });
    byId("device-forget", HTMLButtonElement).addEventListener("click", () => this.forget());
    this.say();
  }

  /**
   * Load the model of the chosen task ahead of the first image, and for use offline.
   * @param {Task} task
   */
  follow(task) {
    if (task === this.task) return;
    this.task = task;
    this.ready();
  }

  async ready() {
    const { task } = this;
    this.say();
    this.render();
    if (!this.on || !task?.model) return;
    const wanted = () => this.on && task === this.task;
    try {
      const { version } = await (await this.load()).open(task, this.disclaimer, this.options());
      if (wanted()) this.say(text.device.ready(version));
      this.offline ||= await keepPage();
      if (wanted()) this.say(this.readyText(version));
    } catch (error) {
      if (wanted()) this.say(problemOf(error).message);
    }
  }

  /** @param {string} version of the model */
  readyText(version) {
    return this.offline ? text.device.readyOffline(version) : text.device.ready(version);
  }

  /** Options for loading a package. */
  options() {
    const onProgress = (/** @type {number | null} */ share) =>
      this.say(share === null ? text.device.opening : text.device.loading(wholePercent(share)));
    return { signal: this.stop.signal, onProgress };
  }

  load() {
    return (this.classifier ??= import("./device/classifier.js").then(({ DeviceClassifier }) => new DeviceClassifier()));
  }

  /**
   * @param {Task} task
   * @param {File} file
   * @param {AbortSignal} signal
   * @returns {Promise<Result>}
   * @throws {Problem} if the pixels cannot be prepared exactly as on the server
   */
  async classify(task, file, signal) {
    const { contentType } = await inspect(file);
    const classifier = await this.load();
    const answer = await classifier.classify(task, this.disclaimer, file, contentType, { ...this.options(), signal });
    this.say(this.readyText(answer.result.model?.version ?? ""));
    this.results.add(answer);
    this.render();
    return answer.result;
  }

  /**
   * Classify several images, one after the other.
   * @param {Task} task
   * @param {File[]} files
   */
  async take(task, files) {
    const { signal } = this.stop;
    announce(text.device.taken(count(files.length)));
    for (const [index, file] of files.entries()) {
      this.say(text.device.progress(count(index + 1), count(files.length)));
      try {
        this.onResult(await this.classify(task, file, signal), file);
      } catch (error) {
        if (signal.aborted) return;
        this.failed.unshift({ name: file.name, message: problemOf(error).message });
        this.render();
      }
    }
    this.say(text.device.done(count(files.length)));
  }

  /**
   * @param {string} id
   * @returns {Answer}
   * @throws {Problem} if it was computed in another tab, or was cleared
   */
  recall(id) {
    const answer = this.results.find(id);
    if (!answer) throw new Problem(text.device.gone, { code: "Gone" });
    return answer;
  }

  /**
   * The result of this device before or after another one.
   * @param {string} id
   * @param {1 | -1} step
   * @returns {Result | undefined}
   */
  neighbour(id, step) {
    const here = this.results.answers.findIndex(({ result }) => result.id === id);
    return here < 0 ? undefined : this.results.answers[here + step]?.result;
  }

  /**
   * The tasks that work without a server.
   * @returns {Promise<Catalogue | null>}
   */
  async catalogue() {
    return this.on ? (await import("./device/package.js")).keptCatalogue() : null;
  }

  forget() {
    this.results.clear();
    this.failed = [];
    this.render();
    this.toggle.focus();
  }

  /** @param {string} [message] */
  say(message) {
    const state = POSSIBLE ? (this.on ? text.device.on : text.device.off) : text.device.insecure;
    this.status.textContent = message ?? state;
  }

  /** @param {string} id of the result that is open */
  mark(id) {
    this.open = id;
    this.render();
  }

  render() {
    const { answers } = this.results;
    this.section.hidden = answers.length === 0 && this.failed.length === 0;
    byId("device-count", HTMLElement).textContent = text.device.heading(count(answers.length));
    fill(
      this.rows,
      ...this.failed.map(({ name, message }) =>
        element("li", { className: "failed" }, element("span", { className: "row-label" }, name), element("span", { className: "row-note" }, message)),
      ),
      ...answers.map(({ result }) =>
        resultRow(result, this.find(result.task), { open: result.id === this.open, nameTask: result.task !== this.task?.name }),
      ),
    );
  }
}

/**
 * Let the service worker cache the page.
 * @returns {Promise<boolean>} whether it is cached
 */
async function keepPage() {
  try {
    await navigator.serviceWorker.register("/service-worker.js");
    await navigator.serviceWorker.ready;
    return true;
  } catch {
    // Some browsers allow no service worker, for example in private windows.
    return false;
  }
}

/** Shown in place of a review, because the result exists in this tab only. */
export const describeDeviceOnly = () =>
  element("section", { className: "device-note" }, element("h3", {}, text.device.onlyHere), element("p", {}, text.device.onlyHereMeaning));

/** @param {unknown} error */
function problemOf(error) {
  if (error instanceof Problem) return error;
  if (!(error instanceof DOMException && error.name === "AbortError")) console.error(error);
  return new Problem(text.device.reasons.failed);
}
