// @ts-check
/** The reading: what the model says about an image, how sure it is, and what is known of the image. */
import { serverText, element } from "./dom.js";
import { count, dateTime, duration, percent } from "./format.js";
import { describeReason } from "./reasons.js";
import { versionAddress } from "./router.js";
import { classNames, classTitle, fact, modalityTitle, useAndLimits } from "./tasks.js";
import { text } from "./text.js";

/** @import { Result, Source, Task } from "./types.js" */

/** As many digits of a checksum as a person compares. */
const SHORT_SHA = 12;

/**
 * @param {Result} result classified
 * @param {Task | undefined} task
 * @param {number | null} took milliseconds from sending it to its answer; null when nobody here waited for it
 * @param {Node} review where a person's reading is entered
 * @returns {Node[]}
 */
export function describeResult(result, task, took, review) {
  return [
    element("p", { className: "probability" }, text.result.probability(percent(result.probability ?? 0))),
    verdict(result),
    element("h3", {}, text.result.classes),
    bars(result, task),
    review,
    element("h3", {}, text.result.about),
    facts(result, took),
    ...(task ? [useAndLimits(task)] : []),
    element("p", { className: "small-print" }, serverText(result.disclaimer)),
  ];
}

/**
 * A result that is not there yet.
 * @returns {Node[]}
 */
export const describeReceived = () => [element("p", {}, text.result.receivedMeaning)];

/**
 * A file that was set aside.
 * @param {Result} result
 * @param {number | null} took milliseconds from sending it to its answer; null when nobody here waited for it
 * @returns {Node[]}
 */
export function describeQuarantined(result, took) {
  return [
    element("div", { className: "verdict bad" }, element("p", {}, text.result.quarantinedMeaning), reasons(result)),
    facts(result, took),
  ];
}

/** @param {Result} result */
function verdict(result) {
  if (!result.needs_review) {
    return element(
      "div",
      { className: "verdict good" },
      element("h3", {}, text.result.noReview),
      element("p", {}, result.model?.sha256 ? text.result.noReviewMeaning : text.result.noReviewUnchecked),
    );
  }
  return element(
    "div",
    { className: "verdict review" },
    element("h3", {}, text.result.needsReview),
    element("p", {}, text.result.needsReviewMeaning),
    reasons(result),
  );
}

/** @param {Result} result */
const reasons = ({ reasons }) => element("ul", {}, ...reasons.map((reason) => element("li", {}, ...describeReason(reason))));

/**
 * @param {Result} result
 * @param {Task | undefined} task
 */
function bars(result, task) {
  const rows = classNames(result, task).map((name) => {
    const probability = result.probabilities[name];
    const bar = element("span", { className: "bar", "aria-hidden": "true" }, element("span"));
    /** @type {HTMLElement} */ (bar.firstElementChild).style.inlineSize = `${probability * 100}%`;
    const row = element(
      "li",
      {},
      element("span", { className: "class-name" }, serverText(classTitle(task, name))),
      element("span", { className: "share" }, percent(probability)),
      bar,
    );
    row.classList.toggle("predicted", name === result.label);
    return row;
  });
  return element("ul", { className: "bars" }, ...rows);
}

/**
 * @param {Result} result
 * @param {number | null} took milliseconds
 */
function facts(result, took) {
  const { source, model } = result;
  const words = text.facts;
  return element(
    "dl",
    { className: "facts" },
    ...(source ? sourceFacts(source) : []),
    fact(words.arrived, `${dateTime(result.created_at)}, ${words.arrivals[result.arrival] ?? result.arrival}`),
    ...(result.classified_at ? [fact(words.classified, dateTime(result.classified_at))] : []),
    ...(took === null ? [] : [fact(words.timeTaken, duration(took))]),
    ...(model ? [fact(words.model, modelLink(result.task, model))] : []),
    ...(model ? [fact(words.backend, words.backends[model.backend] ?? model.backend)] : []),
    ...(model?.sha256 ? [fact(words.sha256, element("code", {}, model.sha256.slice(0, SHORT_SHA)))] : []),
    fact(words.id, element("code", {}, result.id)),
  );
}

/**
 * The model's version; where it came in a package, with its card.
 * @param {string} task
 * @param {NonNullable<Result["model"]>} model
 */
const modelLink = (task, { version, sha256 }) =>
  sha256 ? element("a", { href: versionAddress(task, version) }, version) : version;

/**
 * @param {Source} source
 * @returns {Node[]}
 */
function sourceFacts(source) {
  const words = text.facts;
  const laterality = source.laterality && (words.lateralities[source.laterality] ?? source.laterality);
  const frame = source.frame && source.frames && words.frameOf(count(source.frame), count(source.frames));
  const rows = /** @type {[string, string | null | undefined][]} */ ([
    [words.format, source.format],
    [words.size, text.lightBox.size(source.columns, source.rows)],
    [words.modality, source.modality && modalityTitle(source.modality)],
    [words.laterality, laterality],
    [words.view, source.view_position],
    [words.frame, (source.frames ?? 1) > 1 ? String(frame) : null],
    [words.transferSyntax, source.transfer_syntax],
  ]);
  return rows.flatMap(([term, description]) => (description ? [fact(term, description)] : []));
}
