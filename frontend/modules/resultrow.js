// @ts-check
/** One result as a row of the worklist. */
import { element } from "./dom.js";
import { nameOf } from "./filenames.js";
import { percent, shortTime } from "./format.js";
import { isUnfinished } from "./resultlist.js";
import { resultAddress } from "./router.js";
import { classText, taskText } from "./tasks.js";
import { text } from "./text.js";

/** @import { Result, Task } from "./types.js" */

/**
 * @param {Result} result
 * @param {Task | undefined} task
 * @param {object} how
 * @param {boolean} how.open whether it is open
 * @param {boolean} [how.beside] whether it is shown beside the open one
 * @param {boolean} how.nameTask whether the list contains several tasks
 * @param {HTMLElement | null} [how.picture]
 * @param {HTMLElement | null} [how.checkbox] that selects the row
 */
export function resultRow(result, task, { open, beside = false, nameTask, picture = null, checkbox = null }) {
  const link = element(
    "a",
    { href: resultAddress(result.id), className: result.status, id: `row-${result.id}` },
    picture,
    element("span", { className: "row-label" }, ...title(result, task)),
    nameOf(result.id) && element("span", { className: "row-name" }, nameOf(result.id)),
    element("span", { className: "row-note" }, ...notes(result, task, nameTask)),
  );
  if (open) link.setAttribute("aria-current", "true");
  return element("li", beside ? { className: "beside" } : {}, checkbox, link);
}

/**
 * @param {Result} result
 * @param {Task | undefined} task
 * @returns {(Node | string)[]}
 */
function title(result, task) {
  const { status, concealed, label } = result;
  if (status === "received") return [isUnfinished(result) ? text.worklist.unfinished : text.worklist.received];
  if (status === "quarantined") return [text.worklist.quarantined];
  return [concealed ? text.worklist.unread : classText(task, label)];
}

/**
 * @param {Result} result
 * @param {Task | undefined} task
 * @param {boolean} nameTask
 * @returns {(Node | null)[]}
 */
function notes(result, task, nameTask) {
  const { created_at, arrival, probability } = result;
  return [
    mark(result, task),
    probability === null ? null : element("span", {}, percent(probability)),
    nameTask ? taskText(task, result.task) : null,
    arrival === "drop-folder" ? element("span", {}, text.facts.arrivals[arrival]) : null,
    element("time", { dateTime: created_at }, shortTime(created_at)),
  ];
}

/**
 * The review, or that one is needed.
 * @param {Result} result
 * @param {Task | undefined} task
 */
export function mark({ status, needs_review, review, disagreement, label }, task) {
  if (disagreement) return element("span", { className: "chip review" }, text.filters.shown.disagreement);
  if (review) {
    const verdict = review.label === label ? [text.worklist.confirmed] : [text.worklist.corrected, classText(task, review.label)];
    return element("span", { className: "chip reviewed" }, ...verdict);
  }
  return needs_review && status === "classified" ? element("span", { className: "chip review" }, text.worklist.needsReview) : null;
}
