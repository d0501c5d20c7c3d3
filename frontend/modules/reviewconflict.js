// @ts-check
/** What to do with a review if another person has reviewed the image meanwhile. */
import { element } from "./dom.js";
import { summarize } from "./reviewsummary.js";
import { classText } from "./tasks.js";
import { text } from "./text.js";

/** @import { Result, Task } from "./types.js" */

/**
 * @typedef {object} Choices
 * @property {() => void} onKeep
 * @property {() => void} onReplace
 * @property {() => void} onAdd
 */

/**
 * The other review beside one's own, and a button for each choice.
 * @param {Result} result with the other review
 * @param {Task | undefined} task
 * @param {string} label one's own
 * @param {Choices} choices
 */
export function describeConflict(result, task, label, { onKeep, onReplace, onAdd }) {
  const labels = text.review.conflict;
  const button = (/** @type {string} */ name, /** @type {() => void} */ act) => {
    const made = element("button", { type: "button", className: "quiet" }, name);
    made.addEventListener("click", act);
    return made;
  };
  return element(
    "div",
    { className: "conflict", role: "group", tabIndex: -1, "aria-label": labels.heading },
    element("p", {}, element("strong", {}, labels.heading)),
    element("p", {}, labels.theirs, ...summarize(result.review, result, task)),
    ...(result.review?.comment ? [element("p", { className: "said" }, result.review.comment)] : []),
    element("p", {}, labels.yours, classText(task, label)),
    element(
      "p",
      { className: "conflict-choices" },
      button(labels.keep, onKeep),
      button(labels.replace, onReplace),
      ...(result.review ? [button(labels.add, onAdd)] : []),
    ),
  );
}
