// @ts-check
/** The result of a retraining: one sentence first, then the server's reasons. */
import { element } from "./dom.js";
import { count, metric } from "./format.js";
import { statusChip } from "./retrainings.js";
import { translated } from "./sentences.js";
import { text } from "./text.js";

/** @import { Child } from "./dom.js" */
/** @import { FollowedRetraining } from "./modeltypes.js" */
/** @import { Task } from "./types.js" */

/** CSS class by final status. @type {Record<string, string>} */
const LOOKS = { deployed: "good", rejected: "review", unchanged: "review", skipped: "review", failed: "bad", stopped: "bad", ended: "review" };

/**
 * @param {FollowedRetraining} retraining
 * @param {Task} [task] of the retraining, unless it was removed
 * @returns {Child[]}
 */
export function result(retraining, task) {
  const { status, outcome } = retraining;
  const sentence = sentenceOf(retraining);
  const told = [sentence && element("p", { className: "result-sentence" }, sentence), outcome && element("p", {}, ...translated(outcome, task))];
  if (status === "running") return [element("p", {}, statusChip(retraining)), ...told];
  return [
    element(
      "div",
      { className: `verdict ${LOOKS[status] ?? "review"}` },
      element("h3", {}, text.modelPages.retrainings.statuses[status] ?? status),
      ...told,
    ),
  ];
}

/**
 * What the test says of the new model, and what became of it; empty before the test, and for retrainings of earlier releases.
 * @param {FollowedRetraining} retraining
 */
function sentenceOf({ scores, accepted, status, waiting_for: waiting }) {
  const labels = text.modelPages.result;
  if (!scores || (status !== "running" && status !== "deployed" && status !== "rejected")) return "";
  const images = count(scores.images);
  const compared = scores.current === null
    ? labels.alone(metric(scores.candidate), images)
    : labels.compared(accepted ? "better" : "notBetter", metric(scores.candidate), metric(scores.current), images);
  return `${compared} ${end()}`.trim();

  function end() {
    if (status === "deployed") return labels.deployed;
    if (status === "rejected") return accepted ? labels.declined : labels.rejected;
    return waiting === "approval" ? labels.waits : "";
  }
}
