// @ts-check
/** A result as text: the predicted class, its probability, the reasons for review, and the facts about the image. */
import { element } from "./dom.js";
import { nameOf } from "./filenames.js";
import { count, dateTime, duration, percent } from "./format.js";
import { describeReason, disclaimerText } from "./reasons.js";
import { versionAddress } from "./router.js";
import { classNames, classText, fact, modalityTitle, useAndLimits } from "./tasks.js";
import { text } from "./text.js";

/** @import { Result, Source, Task } from "./types.js" */

/** Digits of a checksum that are shown. */
const SHORT_SHA = 12;

/**
 * @param {Result} result classified
 * @param {Task | undefined} task
 * @param {number | null} took response time in milliseconds; null if the result was not requested on this page
 * @param {Node} review the review form
 * @returns {Node[]}
 */
export function describeResult(result, task, took, review) {
  return [
    ...(result.concealed ? [] : describeAnswer(result, task)),
    review,
    element("h3", {}, text.result.about),
    facts(result, took),
    ...(task ? [useAndLimits(task)] : []),
    element("p", { className: "small-print" }, disclaimerText(result.disclaimer)),
  ];
}

/**
 * @param {Result} result
 * @param {Task | undefined} task
 */
const describeAnswer = (result, task) => [
  element("p", { className: "probability" }, text.result.probability(percent(result.probability ?? 0))),
  verdict(result, task),
  element("h3", {}, text.result.classes),
  bars(result, task),
];

/**
 * A quarantined file.
 * @param {Result} result
 * @param {number | null} took response time in milliseconds; null if the result was not requested on this page
 * @returns {Node[]}
 */
export function describeQuarantined(result, took) {
  return [
    element("div", { className: "verdict bad" }, element("p", {}, text.result.quarantinedMeaning), reasons(result)),
    facts(result, took),
  ];
}

/**
 * @param {Result} result
 * @param {Task | undefined} task
 */
function verdict(result, task) {
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
    reasons(result, task),
  );
}

/**
 * @param {Result} result
 * @param {Task} [task]
 */
const reasons = (result, task) =>
  element("ul", {}, ...result.reasons.map((reason) => element("li", {}, ...describeReason(reason, result, task))));

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
      element("span", { className: "class-name" }, classText(task, name)),
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
  const labels = text.facts;
  const name = nameOf(result.id);
  return element(
    "dl",
    { className: "facts" },
    ...(name ? [fact(labels.file, name)] : []),
    ...(source ? sourceFacts(source) : []),
    fact(labels.arrived, `${dateTime(result.created_at)}, ${labels.arrivals[result.arrival] ?? result.arrival}`),
    ...(result.classified_at ? [fact(labels.classified, dateTime(result.classified_at))] : []),
    ...(took === null ? [] : [fact(labels.timeTaken, duration(took))]),
    ...(model ? [fact(labels.model, modelLink(result.task, model))] : []),
    ...(model ? [fact(labels.backend, labels.backends[model.backend] ?? model.backend)] : []),
    ...(model?.sha256 ? [fact(labels.sha256, element("code", {}, model.sha256.slice(0, SHORT_SHA)))] : []),
    fact(labels.id, element("code", {}, result.id)),
  );
}

/**
 * The model version, with a link to its card if it came in a package.
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
  const labels = text.facts;
  const laterality = source.laterality && (labels.lateralities[source.laterality] ?? source.laterality);
  const frame = source.frame && source.frames && labels.frameOf(count(source.frame), count(source.frames));
  const rows = /** @type {[string, string | null | undefined][]} */ ([
    [labels.format, source.format],
    [labels.size, text.lightBox.size(source.columns, source.rows)],
    [labels.modality, source.modality && modalityTitle(source.modality)],
    [labels.laterality, laterality],
    [labels.view, source.view_position],
    [labels.frame, (source.frames ?? 1) > 1 ? String(frame) : null],
    [labels.transferSyntax, source.transfer_syntax],
  ]);
  return rows.flatMap(([term, description]) => (description ? [fact(term, description)] : []));
}
