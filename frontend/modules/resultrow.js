// @ts-check
/** One result as a row of the worklist. */
import { serverText, element } from "./dom.js";
import { nameOf } from "./filenames.js";
import { percent, shortTime } from "./format.js";
import { UNFINISHED_MS } from "./resultlist.js";
import { resultAddress } from "./router.js";
import { classTitle } from "./tasks.js";
import { text } from "./text.js";

/** @import { Result, Task } from "./types.js" */

/**
 * @param {Result} result
 * @param {Task | undefined} task
 * @param {{open: boolean, nameTask: boolean}} how whether it is open, and whether the list contains several tasks
 */
export function resultRow(result, task, { open, nameTask }) {
  const link = element(
    "a",
    { href: resultAddress(result.id), className: result.status },
    element("span", { className: "row-label" }, ...title(result, task)),
    nameOf(result.id) && element("span", { className: "row-name" }, nameOf(result.id)),
    element("span", { className: "row-note" }, ...notes(result, task, nameTask)),
  );
  if (open) link.setAttribute("aria-current", "true");
  return element("li", {}, link);
}

/**
 * @param {Result} result
 * @param {Task | undefined} task
 * @returns {(Node | string)[]}
 */
function title({ status, label, created_at }, task) {
  const old = Date.now() - Date.parse(created_at) > UNFINISHED_MS;
  if (status === "received") return [old ? text.worklist.unfinished : text.worklist.received];
  if (status === "quarantined") return [text.worklist.quarantined];
  return [serverText(classTitle(task, label))];
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
    element("time", { dateTime: created_at }, shortTime(created_at)),
    nameTask ? serverText(task?.title ?? result.task) : null,
    arrival === "drop-folder" ? element("span", {}, text.facts.arrivals[arrival]) : null,
  ];
}

/**
 * The review, or that one is needed.
 * @param {Result} result
 * @param {Task | undefined} task
 */
function mark({ status, needs_review, review, label }, task) {
  if (review) {
    const verdict = review.label === label ? [text.worklist.confirmed] : [text.worklist.corrected, serverText(classTitle(task, review.label))];
    return element("span", { className: "chip reviewed" }, ...verdict);
  }
  return needs_review && status === "classified" ? element("span", { className: "chip review" }, text.worklist.needsReview) : null;
}
