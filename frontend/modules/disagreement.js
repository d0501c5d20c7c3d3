// @ts-check
/** A disagreement between the readers of an image, and the choice that settles it. */
import { element } from "./dom.js";
import { standing } from "./ownreading.js";
import { who } from "./reviewsummary.js";
import { classText } from "./tasks.js";
import { text } from "./text.js";

/** @import { Result, Task } from "./types.js" */

/**
 * What each reader says, and a button for each class that any of them says.
 * @param {Result} result
 * @param {Task | undefined} task
 * @param {(label: string) => void} onSettle
 */
export function describeDisagreement({ readings = [] }, task, onSettle) {
  const labels = text.reading;
  // The last reading of each reader counts.
  const judgements = [...new Map(standing(readings).map((reading) => [reading.reviewer, reading])).values()];
  const button = (/** @type {string} */ label) => {
    const made = element("button", { type: "button", className: "quiet" }, labels.settleAs, classText(task, label));
    made.addEventListener("click", () => onSettle(label));
    return made;
  };
  return element(
    "div",
    { className: "conflict disagreement", role: "group", "aria-label": labels.disagreement },
    element("p", {}, element("strong", {}, labels.disagreement)),
    element("ul", {}, ...judgements.map((reading) => element("li", {}, classText(task, reading.label), ` · ${who(reading)}`))),
    element("p", {}, labels.settleHint),
    element("p", { className: "conflict-choices" }, ...[...new Set(judgements.map(({ label }) => label))].map(button)),
  );
}
