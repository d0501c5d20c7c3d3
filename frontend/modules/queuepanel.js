// @ts-check
/** The upload queue on the page: its progress, its problems, and its controls. */
import { announce, notify } from "./announcer.js";
import { Problem, whenLoaded } from "./api.js";
import { byId, element } from "./dom.js";
import { count, fileSize, percent, wholePercent } from "./format.js";
import { updateUnloadGuard, takeUnfinished } from "./unloadguard.js";
import { Queue } from "./queue.js";
import { blinded, reads } from "./readingmode.js";
import { markedMessage } from "./reasons.js";
import { resultAddress } from "./router.js";
import { Rows } from "./rows.js";
import { classText } from "./tasks.js";
import { text } from "./text.js";

/** @import { Item } from "./queue.js" */
/** @import { Result, Task } from "./types.js" */

export class QueuePanel {
  /**
   * @param {(name: string) => Task | undefined} findTask
   * @param {object} listeners
   * @param {(item: Item, result: Result) => void} listeners.onResult
   * @param {(first: Result) => void} listeners.onReview called to review what has been uploaded, beginning with a result
   */
  constructor(findTask, { onResult, onReview }) {
    this.findTask = findTask;
    this.onReview = onReview;
    this.section = byId("queue", HTMLElement);
    this.summary = byId("queue-summary", HTMLElement);
    this.progress = byId("queue-progress", HTMLProgressElement);
    this.pause = byId("queue-pause", HTMLButtonElement);
    this.retry = byId("queue-retry", HTMLButtonElement);
    this.cancel = byId("queue-cancel", HTMLButtonElement);
    this.review = byId("queue-review", HTMLButtonElement);
    this.csv = byId("queue-csv", HTMLButtonElement);
    this.close = byId("queue-close", HTMLButtonElement);
    this.details = byId("queue-details", HTMLDetailsElement);
    this.notice = byId("left-notice", HTMLElement);
    this.queue = new Queue({ onChange: () => this.changed(), onResult }, findTask);
    /** @type {Rows<Item>} */
    this.rows = new Rows({
      box: byId("queue-box", HTMLElement),
      list: byId("queue-rows", HTMLElement),
      make: (item) => this.row(item),
      key: ({ number }) => `queue-${number}`,
    });
    this.frame = 0;
    this.working = false;
    /** Whether the list of files has made room for an image since the last upload. */
    this.roomMade = false;
    /** What the last visit left unfinished, until the notice is closed. */
    this.left = takeUnfinished();
    this.pause.addEventListener("click", () => this.togglePause());
    this.retry.addEventListener("click", () => this.queue.retry(this.queue.items.filter(({ state }) => WITHOUT_RESULT.has(state))));
    this.cancel.addEventListener("click", () => this.queue.cancel());
    this.review.addEventListener("click", () => this.beginReview());
    this.csv.addEventListener("click", () => this.saveTable());
    this.close.addEventListener("click", () => this.queue.clear());
    this.details.addEventListener("toggle", () => this.render());
    byId("left-close", HTMLButtonElement).addEventListener("click", () => {
      this.left = null;
      this.render();
    });
    this.render();
  }

  /**
   * @param {string} task
   * @param {File[]} files
   */
  add(task, files) {
    // On a phone, the list of files would hide the rest of the page.
    this.roomMade = false;
    if (this.queue.items.length === 0) this.details.open = matchMedia("(min-width: 48rem)").matches;
    this.left = null;
    this.queue.add(task, files);
    announce(text.queue.added(count(files.length)));
  }

  togglePause() {
    if (!this.queue.unsent) return;
    if (this.queue.paused) this.queue.resume();
    else this.queue.pause();
    announce(this.queue.paused ? text.queue.paused : text.queue.resumed);
  }

  /** Render at most once per frame. */
  changed() {
    const { classifying, overdue, classified, known, unreadable, unanswered } = this.queue.counts();
    const sent = classifying + overdue + classified + known + unreadable + unanswered;
    updateUnloadGuard({ sent, unsent: this.queue.unsent });
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.render();
    });
  }

  render() {
    const { queue } = this;
    const counts = queue.counts();
    const total = queue.items.length;
    const ended = total - queue.unsent - counts.classifying - counts.overdue;
    this.section.hidden = total === 0 && !this.left;
    byId("queue-body", HTMLElement).hidden = total === 0;
    this.notice.hidden = !this.left;
    if (this.left) byId("left-words", HTMLElement).textContent = text.queue.left(count(this.left.sent), count(this.left.unsent));
    this.summary.textContent = text.queue.summary(queue, counts, count);
    // Uploading counts as half the work of an image, classifying as the other half.
    const sent = queue.items.reduce((sum, { share, state }) => sum + (HALF_DONE.has(state) ? share / 2 : 0), 0);
    this.progress.hidden = ended === total;
    this.progress.max = Math.max(1, total);
    this.progress.value = ended + sent;
    this.pause.hidden = queue.unsent === 0;
    this.pause.textContent = queue.paused ? text.queue.resume : text.queue.pause;
    this.retry.hidden = counts.failed + counts.unanswered === 0;
    this.cancel.hidden = queue.unsent === 0;
    this.close.hidden = queue.busy || ended === 0;
    const toReview = this.toReview();
    this.review.hidden = queue.busy || toReview.length === 0;
    this.review.textContent = text.queue.review(count(toReview.length));
    this.csv.hidden = queue.busy || reads("blind") || !queue.items.some(({ result }) => result);
    if (this.details.open) this.rows.show([...queue.items].sort(attentionFirst), false);
    if (this.working && !queue.busy && total) announce(text.queue.finished(this.summary.textContent));
    this.working = queue.busy;
  }

  /** Results of this upload that a person should look at; equal files share one. */
  toReview() {
    const results = this.queue.items.flatMap(({ result }) => (result && (result.needs_review || blinded(result).concealed) ? [result] : []));
    return [...new Map(results.map((result) => [result.id, result])).values()];
  }

  /** An image is opened: after an upload, the list of its files makes room for it, once, unless it shows a problem. */
  makeRoom() {
    const { failed, unanswered, unreadable } = this.queue.counts();
    if (this.roomMade || this.queue.busy || this.queue.items.length === 0 || failed + unanswered + unreadable > 0) return;
    this.roomMade = true;
    this.details.open = false;
  }

  /** Make room, and begin with the newest, which is the first in the worklist. */
  beginReview() {
    const first = this.toReview().at(-1);
    if (!first) return;
    this.queue.clear();
    this.onReview(first);
  }

  /** Save the results of this upload with the names of its files. */
  async saveTable() {
    try {
      const { saveUpload } = await whenLoaded(import("./namedcsv.js"));
      await saveUpload(this.queue.items);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      notify(error.message, { failed: true });
    }
  }

  /** @param {Item} item */
  row(item) {
    const { file, state, share, id, message } = item;
    const status = state === "sending" ? text.queue.sending(wholePercent(share)) : text.queue.states[state];
    const note = element("span", { className: "row-note" }, ...(message ? [`${status}: `, ...markedMessage(message)] : this.outcome(item, status)));
    const name = id && !HALF_DONE.has(state) ? element("a", { href: resultAddress(id) }, file.name) : element("span", {}, file.name);
    name.className = "row-label";
    return element("li", { className: `queue-row ${state}` }, element("span", { className: "queue-words" }, name, note), this.button(item));
  }

  /**
   * @param {Item} item
   * @param {string} status
   * @returns {(Node | string)[]}
   */
  outcome({ file, task, result }, status) {
    if (!result || blinded(result).concealed) return [`${status} · ${fileSize(file.size)}`];
    const title = classText(this.findTask(task), result.label);
    const share = percent(result.probability ?? 0);
    return [`${status} · `, title, ` · ${share}`, result.needs_review ? ` · ${text.worklist.needsReview}` : ""];
  }

  /** @param {Item} item */
  button(item) {
    const { state, file } = item;
    const again = WITHOUT_RESULT.has(state) || state === "cancelled";
    if (!again && !["waiting", "checking", "sending"].includes(state)) return null;
    const label = again ? text.queue.retryOne : text.queue.cancelOne;
    const button = element("button", { type: "button", className: "quiet", "aria-label": `${label}: ${file.name}` }, label);
    button.addEventListener("click", () => (again ? this.queue.retry([item]) : this.queue.cancelOne(item)));
    return button;
  }
}

/** States that ended without a result, except cancelled ones. */
const WITHOUT_RESULT = new Set(["failed", "unanswered"]);

const HALF_DONE = new Set(["sending", "classifying", "overdue"]);

/** Order of the list: problems first, then work in progress, then waiting items, and finished ones last. */
const ATTENTION = ["failed", "unanswered", "unreadable", "overdue", "sending", "checking", "classifying", "waiting", "cancelled", "known", "classified"];

/**
 * @param {Item} a
 * @param {Item} b
 */
const attentionFirst = (a, b) => ATTENTION.indexOf(a.state) - ATTENTION.indexOf(b.state) || a.number - b.number;
