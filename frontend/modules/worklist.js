// @ts-check
/** The recent results of a task, kept up to date while somebody looks, whichever way the images arrive. */
import { announce } from "./announcer.js";
import { Problem, csvAddress, fetchResults } from "./api.js";
import { byId, element, fill } from "./dom.js";
import { percent, shortTime } from "./format.js";
import { resultAddress } from "./router.js";
import { classTitle } from "./tasks.js";
import { text } from "./text.js";

/** @import { Result, ResultPage, Task } from "./types.js" */

const REFRESH_MS = 4_000;
const PAGE_SIZE = 20;

/** Leave to upload has ended and every further try has been made long before: what has not come by now does not come. */
const UNFINISHED_MS = 3_600_000;

export class Worklist {
  constructor() {
    this.section = byId("worklist", HTMLElement);
    this.status = byId("worklist-status", HTMLElement);
    this.rows = byId("worklist-rows", HTMLElement);
    this.more = byId("more", HTMLButtonElement);
    this.reviewOnly = byId("review-only", HTMLInputElement);
    this.csv = byId("csv", HTMLAnchorElement);
    /** @type {Task | null} */
    this.task = null;
    /** @type {Map<string, Result>} newest first */
    this.results = new Map();
    /** @type {string | null} where the next older page begins */
    this.cursor = null;
    this.open = "";
    this.loaded = false;
    this.timer = 0;
    this.more.addEventListener("click", () => this.loadMore());
    this.reviewOnly.addEventListener("change", () => this.restart());
    // Nobody looks at a hidden page, so it asks for nothing.
    document.addEventListener("visibilitychange", () => this.refresh());
  }

  /** @param {Task} task */
  follow(task) {
    if (task.name === this.task?.name) return;
    this.task = task;
    this.section.hidden = false;
    this.csv.href = csvAddress(task.name);
    this.restart();
  }

  restart() {
    this.results.clear();
    this.cursor = null;
    this.loaded = false;
    fill(this.rows);
    this.more.hidden = true;
    this.status.textContent = text.worklist.loading;
    this.refresh();
  }

  /**
   * Show a result that this page has made or changed, without waiting for the next refresh.
   * @param {Result} result
   */
  add(result) {
    if (result.task !== this.task?.name || (this.reviewOnly.checked && !result.needs_review)) return;
    this.keep([...this.results.values(), result]);
    this.render();
  }

  /**
   * Mark the result that is open.
   * @param {string} id
   */
  mark(id) {
    this.open = id;
    this.render();
  }

  /** Ask for the newest page now, and again after a while as long as the page is visible. */
  async refresh() {
    clearTimeout(this.timer);
    if (document.hidden || !this.task) return;
    const page = await this.load(null);
    if (page) this.merge(page);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), REFRESH_MS);
  }

  async loadMore() {
    const page = await this.load(this.cursor);
    if (!page) return;
    const first = page.results.find(({ id }) => !this.results.has(id));
    this.keep([...this.results.values(), ...page.results]);
    this.cursor = page.cursor;
    this.render();
    // The button may be gone now; go on reading where the new rows begin.
    if (first) this.link(first.id)?.focus();
  }

  /**
   * @param {string | null} cursor
   * @returns {Promise<ResultPage | null>} null when it failed or is no longer wanted
   */
  async load(cursor) {
    const wanted = { task: this.task?.name ?? "", needsReview: this.reviewOnly.checked };
    try {
      const page = await fetchResults({ ...wanted, cursor, limit: PAGE_SIZE });
      return wanted.task === this.task?.name && wanted.needsReview === this.reviewOnly.checked ? page : null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.status.textContent = error.code === "Network" ? text.worklist.offline : error.message;
      return null;
    }
  }

  /** @param {ResultPage} page the newest */
  merge(page) {
    const fresh = page.results.filter(({ id }) => !this.results.has(id)).length;
    const gap = fresh === page.results.length && page.cursor !== null;
    if (gap || this.results.size <= PAGE_SIZE) this.cursor = page.cursor;
    // With a gap between the newest page and those known, the list begins anew rather than hide what lies between.
    this.keep([...(gap ? [] : this.results.values()), ...page.results]);
    if (this.loaded && fresh > 0) announce(text.worklist.arrived(fresh));
    this.loaded = true;
    this.render();
  }

  /**
   * @param {Result[]} results any order; of two with one id the later counts
   */
  keep(results) {
    const single = new Map(results.map((result) => [result.id, result]));
    const newestFirst = [...single.values()].sort((a, b) => b.created_at.localeCompare(a.created_at));
    this.results = new Map(newestFirst.map((result) => [result.id, result]));
  }

  /** Bring the rows up to date, leaving those alone that have not changed: one of them may have the focus. */
  render() {
    const old = new Map([.../** @type {HTMLCollectionOf<HTMLElement>} */ (this.rows.children)].map((row) => [row.dataset.id, row]));
    const rows = [...this.results.values()].map((result) => {
      const made = row(result, this.task, result.id === this.open);
      const known = old.get(result.id);
      return known?.isEqualNode(made) ? known : made;
    });
    const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest("#worklist-rows > li"))?.dataset.id;
    if (rows.length !== old.size || rows.some((made, index) => made !== this.rows.children[index])) fill(this.rows, ...rows);
    if (focused) this.link(focused)?.focus({ preventScroll: true });
    this.more.hidden = this.cursor === null;
    const empty = this.reviewOnly.checked ? text.worklist.emptyReview : text.worklist.empty;
    if (this.loaded) this.status.textContent = this.results.size === 0 ? empty : "";
  }

  /** @param {string} id */
  link(id) {
    return /** @type {HTMLElement | null} */ (this.rows.querySelector(`li[data-id="${CSS.escape(id)}"] a`));
  }
}

/**
 * @param {Result} result
 * @param {Task | null} task
 * @param {boolean} open
 */
function row(result, task, open) {
  const link = element(
    "a",
    { href: resultAddress(result.id), className: result.status },
    element("span", { className: "row-label" }, title(result, task)),
    element("span", { className: "row-note" }, ...notes(result, task)),
  );
  if (open) link.setAttribute("aria-current", "true");
  return element("li", { "data-id": result.id }, link);
}

/**
 * @param {Result} result
 * @param {Task | null} task
 */
function title({ status, label, created_at }, task) {
  const old = Date.now() - Date.parse(created_at) > UNFINISHED_MS;
  if (status === "received") return old ? text.worklist.unfinished : text.worklist.received;
  if (status === "quarantined") return text.worklist.quarantined;
  return classTitle(task ?? undefined, label);
}

/**
 * @param {Result} result
 * @param {Task | null} task
 * @returns {(Node | null)[]}
 */
function notes({ created_at, arrival, needs_review, probability, review, label }, task) {
  const share = probability === null ? null : element("span", {}, percent(probability));
  const time = element("time", { dateTime: created_at }, shortTime(created_at));
  const way = arrival === "drop-folder" ? element("span", {}, text.facts.arrivals[arrival]) : null;
  if (review) {
    const words = review.label === label ? text.worklist.confirmed : text.worklist.corrected(classTitle(task ?? undefined, review.label));
    return [share, time, way, element("span", { className: "chip reviewed" }, words)];
  }
  return [share, time, way, needs_review ? element("span", { className: "chip review" }, text.worklist.needsReview) : null];
}
