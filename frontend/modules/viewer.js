// @ts-check
/** Opens tasks, images and results: classifies an image and shows it with its result. */
import { notify } from "./announcer.js";
import { Problem, fetchResult, whenLoaded } from "./api.js";
import { byId, element } from "./dom.js";
import { describeEmptyState } from "./emptystate.js";
import { isFromDevice } from "./ondevice.js";
import { Panel } from "./panel.js";
import { isTransient } from "./retry.js";
import { navigate, resultAddress, pushAddress, taskAddress } from "./router.js";
import { noModel, taskText } from "./tasks.js";
import { text } from "./text.js";

/** @import { LightBox } from "./lightbox.js" */
/** @import { OnDevice } from "./ondevice.js" */
/** @import { OpenResult } from "./openresult.js" */
/** @import { Result, Task } from "./types.js" */
/** @import { Worklist } from "./worklist.js" */

export class Viewer {
  /**
   * @param {LightBox} lightBox
   * @param {Worklist} worklist
   * @param {OnDevice} device
   * @param {object} tasks
   * @param {(name: string) => Task | undefined} tasks.find
   * @param {(task: Task) => void} tasks.choose
   */
  constructor(lightBox, worklist, device, { find, choose }) {
    this.lightBox = lightBox;
    this.worklist = worklist;
    this.device = device;
    this.find = find;
    this.chooseTask = choose;
    this.panel = new Panel();
    worklist.onRefresh = (id, listed) => this.review?.result.id === id && this.review.learn(listed?.review);
    this.main = byId("main", HTMLElement);
    this.cancel = byId("cancel", HTMLButtonElement);
    /** @type {Task | undefined} */
    this.task = undefined;
    /** The open result, once it is shown. @type {OpenResult | null} */
    this.open = null;
    /** The current view. Work that ends after another view was opened must not change the page. */
    this.view = new AbortController();
    /**
     * The result that was just received, so that opening it needs no request, and the response time in milliseconds.
     * @type {{result: Result, took: number | null} | null}
     */
    this.answer = null;
    /** What to do when the view is complete. @type {(() => void)[]} */
    this.waiting = [];
  }

  /** The review form of the open result. */
  get review() {
    return this.open?.review ?? null;
  }

  /** Say that a review is too early for an image that is being opened. */
  refuseReview() {
    if (this.main.dataset.shown === undefined) notify(text.review.tooEarly, { failed: true });
  }

  /** Begin a new view; work for the old one is no longer shown. */
  begin() {
    this.open = null;
    this.waiting = [];
    delete this.main.dataset.shown;
    return (this.view = new AbortController());
  }

  /** The view is complete; `data-shown` states its address. */
  complete() {
    this.main.dataset.shown = location.hash;
    for (const act of this.waiting.splice(0)) act();
  }

  /**
   * Do something to the view: now if it is complete, else as soon as it is, unless another view is opened first.
   * @param {() => void} act
   */
  whenComplete(act) {
    if (this.main.dataset.shown === undefined) this.waiting.push(act);
    else act();
  }

  /** @param {Task} task */
  openTask(task) {
    this.begin();
    this.mark("");
    this.choose(task);
    this.lightBox.showMessage(...(task.model ? describeEmptyState(task, this.device.on) : noModel()));
    this.panel.showTask(task);
    this.complete();
  }

  /** @param {Task} task */
  choose(task) {
    this.task = task;
    this.chooseTask(task);
  }

  /** Leave the open result for the task, where something else is shown. */
  leave() {
    this.mark("");
    // So that every result in the list, even the open one, can be opened again.
    if (this.task) pushAddress(taskAddress(this.task.name));
    return this.begin();
  }

  /**
   * Say why files are not taken, in place of the open image.
   * @param {string} message
   */
  refuse(message) {
    this.leave();
    this.fail(new Problem(message));
  }

  /**
   * Classify an image and open its result.
   * @param {File} file
   */
  async read(file) {
    const { task } = this;
    if (!task) return;
    const mine = this.leave();
    this.panel.show(taskText(task), text.lightBox.classifying);
    // The pressed button may have disappeared with the message.
    this.panel.focus();
    this.lightBox.clear();
    try {
      if (!task.model) throw new Problem(text.tasks.noModel, { code: "TaskHasNoModel" });
      const { classifyFile } = await whenLoaded(import("./singleimage.js"));
      const answer = await classifyFile(file, task, this, mine);
      if (this.view !== mine) return;
      this.answer = answer;
      navigate(resultAddress(answer.result.id));
    } catch (error) {
      if (this.view === mine) this.fail(error, () => this.read(file));
    }
  }

  /**
   * Classify the example image of a task, and show its result.
   * @param {Task} task
   */
  async openExample(task) {
    const mine = this.begin();
    this.mark("");
    this.choose(task);
    try {
      const { showExample } = await whenLoaded(import("./example.js"));
      if (this.view === mine) await showExample(task, this, mine);
    } catch (error) {
      if (this.view === mine && !mine.signal.aborted) this.fail(error, () => this.openExample(task));
    }
  }

  /** @param {string} id of the open result */
  mark(id) {
    this.worklist.mark(id);
    this.device.mark(id);
  }

  /**
   * @param {string} id
   * @param {boolean} first whether the page was just opened
   */
  async openResult(id, first) {
    // What waits for an image that is being classified waits for its result.
    const waiting = this.answer?.result.id === id ? this.waiting : [];
    const mine = this.begin();
    this.waiting = waiting;
    this.mark(id);
    try {
      const loading = whenLoaded(Promise.all([import("./openresult.js"), this.lightBox.load()]));
      loading.catch(() => {}); // it is awaited only if there is a result
      const { result, took } = await this.obtain(id, mine);
      const [{ OpenResult }] = await loading;
      const open = new OpenResult(result, took, this);
      await open.load();
      if (open.isLeft) return;
      this.open = open;
      open.show();
      // Move the focus to the heading, except on a newly opened page, which starts at the top.
      if (!first) this.panel.focus();
      byId("light-box", HTMLElement).scrollIntoView({ block: "nearest" });
      this.complete();
      open.offerRemoval();
      await open.improve();
    } catch (error) {
      if (this.view === mine && !mine.signal.aborted) this.fail(error, () => this.openResult(id, false));
    }
  }

  /**
   * Get a result, and wait for it if it is still being classified.
   * @param {string} id
   * @param {AbortController} mine
   * @returns {Promise<{result: Result, took: number | null}>} classified or quarantined
   */
  async obtain(id, mine) {
    if (this.answer?.result.id === id) {
      const fresh = this.answer;
      this.answer = null;
      return fresh;
    }
    // Remove the previous result before this one is marked as open.
    this.lightBox.clear();
    this.panel.show("", text.page.loading);
    this.working(text.lightBox.opening, mine);
    const result = isFromDevice(id) ? this.device.recall(id).result : await fetchResult(id, mine.signal);
    const task = this.find(result.task);
    if (this.view === mine && task) this.choose(task);
    // Others may have reviewed it.
    if (this.worklist.list.known.has(id)) this.worklist.add(result);
    if (result.status !== "received") return { result, took: null };
    if (this.view === mine) this.panel.show(taskText(task, result.task), text.result.received, element("p", {}, text.result.receivedMeaning));
    this.working(text.lightBox.classifying, mine);
    const { waitForResult } = await whenLoaded(import("./upload.js"));
    return { result: await waitForResult(id, mine.signal), took: null };
  }

  /** Undo the last change of the open result's review, or else the last change of all. */
  async undo() {
    // Another result may be open when the module is there.
    const { review } = this;
    const changes = await import("./reviewchanges.js").catch(() => null);
    await changes?.undoLast(review, (changed) => this.worklist.add(changed));
  }

  /** @param {1 | -1} step along the worklist */
  step(step) {
    const next = this.device.neighbour(this.worklist.open, step) ?? this.worklist.neighbour(step);
    if (next) navigate(resultAddress(next.id));
    else notify(step > 0 ? text.worklist.atEnd : text.worklist.atStart);
  }

  /**
   * @param {string} message
   * @param {AbortController} mine
   * @param {number | null} [share] done, 0 to 1; null if unknown
   */
  working(message, mine, share = null) {
    if (this.view !== mine) return;
    this.lightBox.showProgress(message, share);
    this.cancel.onclick = () => {
      mine.abort();
      navigate(taskAddress(this.task?.name ?? ""));
    };
  }

  /**
   * @param {unknown} error
   * @param {(() => void) | null} [again] action of "Try again"; offered only if a retry can help
   */
  fail(error, again = null) {
    // An error that is not a Problem is a bug of the page: log it, and show a general message.
    if (!(error instanceof Problem)) console.error(error);
    const problem = error instanceof Problem ? error : new Problem(text.problem.server);
    if (this.task) this.choose(this.task);
    this.lightBox.fail(problem, isTransient(problem) ? again : null, Boolean(this.task?.model));
    this.panel.showTask(this.task);
    this.complete();
  }
}
