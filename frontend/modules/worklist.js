// @ts-check
/** The worklist: the filtered results, kept up to date while the page is visible. */
import { announce, notify } from "./announcer.js";
import { Problem, csvAddress, fetchFile, whenLoaded } from "./api.js";
import { byId, save } from "./dom.js";
import { hasNames } from "./filenames.js";
import { Filters } from "./filters.js";
import { count } from "./format.js";
import { ResultList, isSelected } from "./resultlist.js";
import { resultRow } from "./resultrow.js";
import { Rows } from "./rows.js";
import { text } from "./text.js";

/** @import { Result, Task } from "./types.js" */

/** Shortest polling interval: at first, while results arrive, and while the page is in use. */
const MIN_WAIT_MS = 4_000;
/** Longest polling interval, reached after some idle minutes. */
const MAX_WAIT_MS = 30_000;
const GROWTH = 1.2;

export class Worklist {
  /** @param {(name: string) => Task | undefined} findTask */
  constructor(findTask) {
    this.findTask = findTask;
    /** Called with the open result after each refresh, as the list has it. */
    this.onOpen = (/** @type {Result} */ _result) => {};
    this.section = byId("worklist", HTMLElement);
    this.status = byId("worklist-status", HTMLElement);
    this.reviewed = byId("reviewed", HTMLElement);
    this.more = byId("more", HTMLButtonElement);
    this.csv = byId("csv", HTMLAnchorElement);
    this.namedCsv = byId("named-csv", HTMLButtonElement);
    this.namedCsv.addEventListener("click", () => this.saveNamed());
    this.filters = new Filters(() => this.restart(), () => this.render());
    this.list = new ResultList(this.filters.selection());
    /** @type {Rows<Result>} */
    this.rows = new Rows({
      box: byId("worklist-box", HTMLElement),
      list: byId("worklist-rows", HTMLElement),
      make: (result) => this.row(result),
      key: ({ id }) => id,
      onEnd: () => this.loadMore(),
    });
    /** @type {Task | null} */
    this.task = null;
    this.open = "";
    this.timer = 0;
    this.wait = MIN_WAIT_MS;
    this.polled = -Infinity;
    this.more.addEventListener("click", () => this.loadMore());
    // A hidden page does not poll.
    document.addEventListener("visibilitychange", () => {
      this.wait = MIN_WAIT_MS;
      this.refresh();
    });
    for (const sign of ["pointerdown", "keydown", "wheel", "focus"]) addEventListener(sign, () => this.wake(), { passive: true });
  }

  /** @param {Task} task */
  follow(task) {
    if (task.name === this.task?.name) return;
    this.task = task;
    this.section.hidden = false;
    this.filters.follow(task);
    this.restart();
  }

  /** Start over with the current filters. */
  restart() {
    const selection = this.filters.selection();
    this.list = new ResultList(selection);
    this.csv.href = csvAddress(selection);
    this.rows.box.scrollTop = 0;
    this.status.textContent = text.worklist.loading;
    this.wait = MIN_WAIT_MS;
    this.render();
    this.refresh();
  }

  translate() {
    this.filters.translate();
    this.render();
  }

  /**
   * Show a result that was created or changed on this page, without waiting for the next refresh.
   * @param {Result} result
   */
  add(result) {
    // A newly reviewed result stays in a list of unreviewed ones until the next restart, so that the review can be undone.
    if (!this.list.known.has(result.id) && !isSelected(result, this.list.selection)) return;
    this.list.keepChanged(result);
    this.render();
  }

  /**
   * Mark the result that is open.
   * @param {string} id
   */
  mark(id) {
    this.open = id;
    this.render();
    this.rows.reveal(this.rows.items.findIndex((result) => result.id === id), false);
  }

  /**
   * The result before or after the open one, or the first one if none is open.
   * @param {1 | -1} step
   * @param {boolean} [unreviewed] whether to skip reviewed results
   * @returns {Result | undefined}
   */
  neighbour(step, unreviewed = false) {
    const { items } = this.rows;
    const here = items.findIndex(({ id }) => id === this.open);
    for (let index = here + step; index >= 0 && index < items.length; index += step) {
      const { status, review } = items[index];
      if (!unreviewed || (status === "classified" && !review)) return items[index];
    }
    return undefined;
  }

  /** The page is in use: poll often again, and at once if the last poll was long ago. */
  wake() {
    if (this.wait === MIN_WAIT_MS) return;
    this.wait = MIN_WAIT_MS;
    this.schedule(Math.max(0, this.polled + MIN_WAIT_MS - performance.now()));
  }

  /** @param {number} wait milliseconds */
  schedule(wait) {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.refresh(), wait);
  }

  /** Load new results now, and again later while the page is visible. */
  async refresh() {
    clearTimeout(this.timer);
    if (document.hidden || !this.task) return;
    const { list } = this;
    this.polled = performance.now();
    const before = list.waiting;
    const fresh = await this.reach(() => list.refresh());
    if (list !== this.list) return;
    if (fresh) announce(text.worklist.arrived(count(fresh), fresh));
    const open = list.known.get(this.open);
    if (open) this.onOpen(open);
    this.wait = fresh || list.waiting !== before ? MIN_WAIT_MS : Math.min(this.wait * GROWTH, MAX_WAIT_MS);
    this.schedule(this.wait);
  }

  /** Load the next page. */
  async loadMore() {
    const { list } = this;
    await this.reach(async () => list.more());
  }

  /**
   * Run a request, and show its error in the status line.
   * @template Answer
   * @param {() => Promise<Answer>} action
   * @returns {Promise<Answer | undefined>}
   */
  async reach(action) {
    const { list } = this;
    try {
      const answer = await action();
      if (list === this.list) this.render();
      return answer;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (list === this.list) this.status.textContent = error.code === "Network" ? text.worklist.offline : error.message;
      return undefined;
    }
  }

  render() {
    const { list } = this;
    const open = list.cursor !== null;
    this.namedCsv.hidden = !hasNames();
    this.rows.list.classList.toggle("named", hasNames());
    this.rows.show(this.filters.named(this.filters.sort(list.ordered)), open);
    this.more.hidden = !open;
    const { reviewed, total } = list.progress;
    const progress = text.worklist.reviewed(count(reviewed), count(total));
    this.reviewed.textContent = total ? progress + (open ? text.worklist.soFar : "") : "";
    if (list.loaded) this.status.textContent = this.statusText(open);
  }

  /** Save the export with the names of the files. */
  async saveNamed() {
    this.namedCsv.disabled = true;
    try {
      const [{ withNames }, response] = await Promise.all([whenLoaded(import("./namedcsv.js")), fetchFile(this.csv.href)]);
      save(new Blob([withNames(await response.text())], { type: "text/csv" }), text.worklist.namedFile);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      notify(error.message, { failed: true });
    } finally {
      this.namedCsv.disabled = false;
    }
  }

  /** @param {boolean} open whether more can be loaded */
  statusText(open) {
    const { ordered } = this.list;
    if (this.rows.items.length === 0) return this.filters.narrow ? text.worklist.emptyFiltered : text.worklist.empty;
    return this.filters.sortsLoaded && open ? text.worklist.sortedLoaded(count(ordered.length)) : "";
  }

  /** @param {Result} result */
  row(result) {
    return resultRow(result, this.findTask(result.task), { open: result.id === this.open, nameTask: this.list.selection.task === null });
  }
}
