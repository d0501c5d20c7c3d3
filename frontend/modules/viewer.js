// @ts-check
/** Opens tasks, images and results: classifies an image and shows it with its result. */
import { announce, notify } from "./announcer.js";
import { Problem, fetchResult, whenLoaded } from "./api.js";
import { serverText, byId, element } from "./dom.js";
import { explanationOf } from "./explanation.js";
import { fileSize, percent, wholePercent } from "./format.js";
import { inspect } from "./imagefile.js";
import { describeEmptyState } from "./emptystate.js";
import { describeDeviceOnly, isFromDevice } from "./ondevice.js";
import { Panel } from "./panel.js";
import { pictureOfFile, pictureOfResult, remember } from "./picture.js";
import { describeQuarantined, describeReceived, describeResult } from "./result.js";
import { isTransient } from "./retry.js";
import { navigate, resultAddress, pushAddress, taskAddress } from "./router.js";
import { classNames, classTitle, noModel } from "./tasks.js";
import { text } from "./text.js";
import { guardUpload } from "./unloadguard.js";

/** @import { LightBox } from "./lightbox.js" */
/** @import { OnDevice } from "./ondevice.js" */
/** @import { Review } from "./review.js" */
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
    worklist.onOpen = ({ id, review }) => this.review?.result.id === id && this.review.learn(review);
    this.main = byId("main", HTMLElement);
    this.cancel = byId("cancel", HTMLButtonElement);
    /** @type {Task | undefined} */
    this.task = undefined;
    /** The review form of the open result. @type {Review | null} */
    this.review = null;
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

  /** Begin a new view; work for the old one is no longer shown. */
  begin() {
    this.review = null;
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

  /**
   * Classify an image and open its result.
   * @param {File} file
   */
  async read(file) {
    const { task } = this;
    if (!task) return;
    const mine = this.leaveResult();
    this.panel.show(task.title, text.lightBox.classifying);
    // The pressed button may have disappeared with the message.
    this.panel.focus();
    this.lightBox.clear();
    try {
      if (!task.model) throw new Problem(text.tasks.noModel, { code: "TaskHasNoModel" });
      const { contentType } = await inspect(file);
      const picture = await pictureOfFile(file);
      if (picture && this.view === mine) this.lightBox.show(picture);
      this.working(text.lightBox.classifying, mine);
      const sent = performance.now();
      const result = await (this.device.on ? this.device.classify(task, file, mine.signal) : this.submit(task, file, contentType, mine));
      this.answer = { result, took: performance.now() - sent };
      remember(result.id, file);
      if (!isFromDevice(result.id)) this.worklist.add(result);
      if (this.view === mine) navigate(resultAddress(result.id));
    } catch (error) {
      if (this.view === mine) this.fail(error, () => this.read(file));
    }
  }

  /**
   * @param {Task} task
   * @param {File} file
   * @param {string} contentType
   * @param {AbortController} mine
   */
  async submit(task, file, contentType, mine) {
    this.working(text.lightBox.sending, mine);
    const { submit } = await whenLoaded(import("./upload.js"));
    const release = guardUpload();
    return submit(task.name, file, contentType, {
      signal: mine.signal,
      onUpload: (share) => this.working(text.lightBox.uploading(wholePercent(share), fileSize(file.size)), mine, share),
      onSent: () => {
        release();
        this.working(text.lightBox.classifying, mine);
      },
    }).finally(release);
  }

  /** @param {string} id of the open result */
  mark(id) {
    this.worklist.mark(id);
    this.device.mark(id);
  }

  /** Begin a new view at the task's address, so that every result in the list, even the open one, can be opened again. */
  leaveResult() {
    this.mark("");
    if (this.task) pushAddress(taskAddress(this.task.name));
    return this.begin();
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
      const { result, took } = await this.obtain(id, mine);
      const picture = await pictureOfResult(result, explanationOf(result, this.device).prepared);
      const form = await this.makeReview(result);
      if (this.view !== mine) return;
      this.review = form;
      if (picture) this.lightBox.show(picture);
      else this.lightBox.showNoImage();
      this.showResult(result, took, Boolean(picture?.own));
      // Move the focus to the heading, except on a newly opened page, which starts at the top.
      if (!first) this.panel.focus();
      byId("light-box", HTMLElement).scrollIntoView({ block: "nearest" });
      this.complete();
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
    if (result.status !== "received") return { result, took: null };
    if (this.view === mine) this.panel.show(task?.title ?? result.task, text.result.received, ...describeReceived());
    this.working(text.lightBox.classifying, mine);
    const { waitForResult } = await whenLoaded(import("./upload.js"));
    return { result: await waitForResult(id, mine.signal), took: null };
  }

  /**
   * @param {Result} result classified or quarantined
   * @param {number | null} took milliseconds
   * @param {boolean} own whether the light box shows the user's own file
   */
  showResult(result, took, own) {
    const task = this.find(result.task);
    const taskTitle = task?.title ?? result.task;
    if (result.status === "quarantined") {
      this.panel.show(taskTitle, text.result.quarantined, ...describeQuarantined(result, took));
      return;
    }
    const title = classTitle(task, result.label);
    const classes = classNames(result, task).map((name) => ({ name, title: classTitle(task, name) }));
    this.lightBox.explain({
      title,
      label: result.label,
      heatMap: result.heatmap,
      classes,
      ...explanationOf(result, this.device),
    }, own);
    this.panel.show(taskTitle, serverText(title), ...describeResult(result, task, took, this.review?.form ?? describeDeviceOnly()));
    announce(text.result.announce(title, percent(result.probability ?? 0), result.needs_review));
  }

  /**
   * The review form of a result, if it can be reviewed. Its module is loaded with the first of them.
   * @param {Result} result
   * @returns {Promise<Review | null>}
   */
  async makeReview(result) {
    if (result.status !== "classified" || isFromDevice(result.id)) return null;
    const { Review } = await whenLoaded(import("./review.js"));
    const review = new Review(result, this.find(result.task), {
      onReview: (changed) => this.worklist.add(changed),
      // Do not move on if another result was opened while this one was being saved.
      onNext: () => this.review === review && this.openNext(),
    });
    return review;
  }

  /** Open the next unreviewed result. */
  openNext() {
    const next = this.worklist.neighbour(1, true);
    if (next) navigate(resultAddress(next.id));
    else notify(text.review.last);
  }

  /** Undo the last change of the open result's review, or else the last change of all, whose image is then opened. */
  async undo() {
    // Another result may be open when the module is there.
    const { review } = this;
    const changes = await import("./reviewchanges.js").catch(() => null);
    const change = changes?.lastChange();
    if (!changes || !change || review?.unsaved || review?.canUndo) {
      await review?.undo();
      return;
    }
    try {
      this.worklist.add(await changes.revert(change));
      notify(text.review.undone);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (!isTransient(error)) changes.forgetChange(change);
      notify(`${text.review.notUndone} ${error.message}`, { failed: true });
    }
    navigate(resultAddress(change.id));
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
