// @ts-check
/** The worklist: the filtered results, kept up to date while the page is visible. */
import { announce, notify } from "./announcer.js";
import { Problem, csvAddress, whenLoaded } from "./api.js";
import { byId } from "./dom.js";
import { hasNames, isNamed } from "./filenames.js";
import { Filters } from "./filters.js";
import { count } from "./format.js";
import { hasRole, user } from "./permissions.js";
import { reads } from "./readingmode.js";
import { ResultList, isUnfinished } from "./resultlist.js";
import { resultRow } from "./resultrow.js";
import { Rows } from "./rows.js";
import { isOnShelf, isSelected } from "./selection.js";
import { text } from "./text.js";

/** @import { NameSearch } from "./namesearch.js" */
/** @import { Pictures } from "./pictures.js" */
/** @import { RowSelection } from "./rowselection.js" */
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
    /** Called after each refresh with the id of the open result, and with the result if the refresh has read it. */
    this.onRefresh = (/** @type {string} */ _id, /** @type {Result | undefined} */ _result) => {};
    this.section = byId("worklist", HTMLElement);
    this.status = byId("worklist-status", HTMLElement);
    this.reviewed = byId("reviewed", HTMLElement);
    this.more = byId("more", HTMLButtonElement);
    this.csv = byId("csv", HTMLAnchorElement);
    this.namedCsv = byId("named-csv", HTMLButtonElement);
    this.namedCsv.addEventListener("click", () => this.saveNamed());
    this.largeExport = byId("large-export", HTMLButtonElement);
    this.largeExport.addEventListener("click", () => this.openExports());
    this.select = byId("select-rows", HTMLButtonElement);
    this.select.addEventListener("click", () => this.toggleSelection());
    /** @type {RowSelection | null} */
    this.rowSelection = null;
    /** @type {Pictures | null} */
    this.pictures = null;
    this.picturesOffered = false;
    /** @type {NameSearch | null} */
    this.nameSearch = null;
    this.filters = new Filters(() => this.restart(), () => this.searchNames());
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
    /** The result that is shown beside the open one. */
    this.beside = "";
    /** The neighbour of the open result, when that has left the list. @type {Result | undefined} */
    this.next = undefined;
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
    this.rowSelection?.clear();
    this.csv.href = csvAddress(selection);
    this.rows.box.scrollTop = 0;
    this.status.textContent = text.worklist.loading;
    this.wait = MIN_WAIT_MS;
    this.render();
    this.refresh();
    if (this.filters.name.value) this.searchNames();
  }

  /** Find results by the names of their files, also those that are not loaded. */
  searchNames() {
    this.render();
    this.attempt(async () => {
      const { NameSearch } = await whenLoaded(import("./namesearch.js"));
      await (this.nameSearch ??= new NameSearch(this)).find(this.filters.name.value);
    });
  }

  /** @param {Task} [task] the chosen task, with its titles in the new language */
  translate(task) {
    this.task = task ?? this.task;
    this.filters.translate(task);
    this.render();
  }

  /**
   * Show a result that was created or changed on this page, without waiting for the next refresh.
   * @param {Result} result
   */
  add(result) {
    if (!isOnShelf(result, this.list.selection)) {
      // What to open when it is the open one.
      if (result.id === this.open) this.next = this.neighbour(1) ?? this.neighbour(-1);
      this.list.drop(result.id);
      this.render();
      return;
    }
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
    this.rows.reveal(this.rows.items.findIndex((result) => result.id === id));
  }

  /**
   * The result before or after the open one, or the first one if none is open.
   * @param {1 | -1} step
   * @param {boolean} [unreviewed] whether to skip results that are reviewed; for a second reader, those that this reader has read
   * @returns {Result | undefined}
   */
  neighbour(step, unreviewed = false) {
    const { items } = this.rows;
    const here = items.findIndex(({ id }) => id === this.open);
    for (let index = here + step; index >= 0 && index < items.length; index += step) {
      const { status, review, readers } = items[index];
      if (isUnfinished(items[index])) continue;
      const done = reads("blind") || reads("second") ? readers.includes(user()) : review;
      if (!unreviewed || (status === "classified" && !done)) return items[index];
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
    if (fresh !== undefined && this.open) this.onRefresh(this.open, list.read.has(this.open) ? list.known.get(this.open) : undefined);
    this.offerPictures();
    this.wait = fresh || list.waiting !== before ? MIN_WAIT_MS : Math.min(this.wait * GROWTH, MAX_WAIT_MS);
    // The server reads many results to find a few.
    if (list.selection.search) this.wait = MAX_WAIT_MS;
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
    const open = list.cursor !== null && !this.nameSearch?.isComplete(list);
    this.csv.hidden = reads("blind");
    this.largeExport.hidden = reads("blind");
    this.namedCsv.hidden = reads("blind") || !hasNames();
    this.rows.list.classList.toggle("named", hasNames());
    this.pictures?.render();
    this.rows.show(this.filters.named(list.ordered), open);
    this.more.hidden = !open;
    const { reviewed, total } = list.progress;
    const progress = text.worklist.reviewed(count(reviewed), count(total));
    this.reviewed.textContent = total ? progress + (open ? text.worklist.soFar : "") : "";
    if (list.loaded) this.status.textContent = this.statusText(open);
    this.select.hidden = !hasRole("reviewer");
    this.select.ariaPressed = String(Boolean(this.rowSelection?.on));
    this.rowSelection?.render();
  }

  /** Load the pictures of the rows, after everything else. Without them, the list works as well. */
  async offerPictures() {
    if (this.picturesOffered) return;
    this.picturesOffered = true;
    const module = await import("./pictures.js").catch(() => null);
    this.pictures = module && new module.Pictures(this);
    this.render();
  }

  /** Begin or end selecting several rows. */
  toggleSelection() {
    this.attempt(async () => {
      const { RowSelection } = await whenLoaded(import("./rowselection.js"));
      (this.rowSelection ??= new RowSelection(this)).toggle();
    });
  }

  /** Save the export with the names of the files. */
  async saveNamed() {
    this.namedCsv.disabled = true;
    await this.attempt(async () => {
      const { saveNamed } = await whenLoaded(import("./namedcsv.js"));
      await saveNamed(this.csv.href, (id) => isNamed(id, this.filters.name.value));
    });
    this.namedCsv.disabled = false;
  }

  /** Start and follow exports of any size. */
  openExports() {
    this.attempt(async () => {
      const { ExportsDialog } = await whenLoaded(import("./exports.js"));
      new ExportsDialog(this.list.selection, this.findTask);
    });
  }

  /**
   * Do something, and say so if it fails.
   * @param {() => Promise<void>} action
   */
  async attempt(action) {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      notify(error.message, { failed: true });
    }
  }

  /** @param {boolean} open whether more can be loaded */
  statusText(open) {
    if (this.rows.items.length > 0) return "";
    if (open) return text.worklist.loading;
    return this.filters.narrow ? text.worklist.emptyFiltered : text.worklist.empty;
  }

  /** @param {Result} result */
  row(result) {
    return resultRow(result, this.findTask(result.task), {
      open: result.id === this.open,
      beside: result.id === this.beside,
      nameTask: this.list.selection.task === null,
      picture: this.pictures?.picture(result),
      checkbox: this.rowSelection?.checkbox(result),
    });
  }
}
