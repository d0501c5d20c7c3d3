// @ts-check
/** The review rule of the model in use: what its probability leaves without a review, and the slider that changes it. */
import { notify } from "./announcer.js";
import { ask } from "./confirmation.js";
import { element, fill } from "./dom.js";
import { count, dateTime, metric, wholePercent } from "./format.js";
import { changeReviewRule } from "./modelapi.js";
import { adminsOnly, hasRole } from "./permissions.js";
import { proportionCell } from "./proportions.js";
import { figure } from "./reviewcharts.js";
import { reviewed, tested } from "./selectiveprediction.js";
import { tableBox } from "./table.js";
import { locale, text } from "./text.js";
import { userName } from "./usertext.js";

/** @import { Child } from "./dom.js" */
/** @import { Line } from "./linechart.js" */
/** @import { Left } from "./selectiveprediction.js" */
/** @import { ModelFacts, ModelReviewRule, ReviewStatistics } from "./modeltypes.js" */
/** @import { Task } from "./types.js" */

/** Reviews below which their curve would say little. */
const MIN_REVIEWS = 100;
/** Percent, of the curves. */
const STEPS = Array.from({ length: 101 }, (_, percent) => percent);

/**
 * @param {Task} task
 * @param {ModelReviewRule} rule
 * @param {ModelFacts | null} facts of the model; null if nothing is known of it
 * @param {ReviewStatistics} statistics of the model
 * @param {() => void} onChange called when the rule was changed
 * @returns {Child[]}
 */
export function reviewRule(task, rule, facts, statistics, onChange) {
  const labels = text.people.rule;
  const inTest = facts && tested(facts);
  const enough = statistics.all.agreement.of >= MIN_REVIEWS;
  const byReviews = enough ? reviewed(statistics) : null;
  const chart = element("div");
  const outcome = element("div");
  const show = (/** @type {number} */ probability) => {
    const percent = Math.round(probability * 100);
    fill(chart, curves(inTest, byReviews, probability));
    const rows = [...(inTest ? [row(labels.inTest, inTest(percent))] : []), ...(byReviews ? [row(labels.byReviews, byReviews(percent))] : [])];
    fill(outcome, rows.length > 0 && tableBox([labels.source, labels.coverage, labels.accuracy], rows));
  };
  show(rule.min_probability);
  return [
    element("p", {}, labels.meaning(share(rule.min_probability)), " ", origin(rule)),
    rule.fixed && element("p", { className: "verdict review" }, labels.fixed[rule.fixed]),
    !rule.fixed && (hasRole("admin") ? slider(task, rule, show, onChange) : adminsOnly(labels.right)),
    outcome,
    inTest && element("p", {}, labels.testImages(count(inTest(0).coverage.of), rule.version ?? "")),
    byReviews && element("p", {}, labels.reviewedImages(count(statistics.all.agreement.of), count(statistics.all.answers)), " ", incomplete(statistics)),
    !enough && element("p", { className: "soft" }, labels.fewReviews(count(statistics.all.agreement.of), count(MIN_REVIEWS))),
    chart,
    facts && ownRule(facts),
    element("p", { className: "small-print" }, labels.others(wholePercent(task.review.min_margin))),
  ];
}

/** @param {ReviewStatistics} statistics */
const incomplete = ({ complete, counted_from: oldest }) => (complete ? "" : text.people.incomplete(oldest ? dateTime(oldest) : "–"));

/** @param {ModelReviewRule} rule */
function origin({ min_probability: current, own, changed_by: by, changed_at: at }) {
  const labels = text.people.rule;
  if (!by || !at) return labels.own;
  const who = userName(by);
  return current === own ? labels.ownAgain(who, dateTime(at)) : labels.chosen(who, dateTime(at), share(own));
}

/**
 * @param {Task} task
 * @param {ModelReviewRule} rule
 * @param {(probability: number) => void} onMove
 * @param {() => void} onChange
 */
function slider(task, rule, onMove, onChange) {
  const labels = text.people.rule;
  const start = Math.round(rule.min_probability * 100);
  const input = element("input", { type: "range", id: "min-probability", min: "0", max: "100", step: "1", value: String(start) });
  const output = element("output", { htmlFor: input.id });
  const save = element("button", { type: "button", className: "primary" });
  const reset = element("button", { type: "button", className: "secondary", hidden: rule.min_probability === rule.own }, labels.reset(share(rule.own)));
  const describe = () => {
    const wanted = wholePercent(input.valueAsNumber / 100);
    const moved = input.valueAsNumber !== start;
    // A model's own probability has more digits than the slider.
    output.textContent = moved ? wanted : share(rule.min_probability);
    input.setAttribute("aria-valuetext", output.textContent);
    save.textContent = labels.save(wanted);
    save.hidden = !moved;
  };
  input.addEventListener("input", () => {
    describe();
    onMove(input.valueAsNumber === start ? rule.min_probability : input.valueAsNumber / 100);
  });
  save.addEventListener("click", () => confirm(input.valueAsNumber / 100));
  reset.addEventListener("click", () => confirm(null));
  describe();
  return element(
    "div",
    { className: "rule-slider" },
    element("label", { htmlFor: input.id }, labels.slider),
    element("div", { className: "rule-line" }, input, output),
    element("p", { className: "actions" }, save, reset),
  );

  /** @param {number | null} wanted null for the model's own */
  function confirm(wanted) {
    const told = share(wanted ?? rule.own);
    ask({
      heading: labels.question(told),
      consequences: [labels.forAll(told), labels.resultsStay, labels.oneVersion(rule.version ?? ""), labels.recorded],
      action: labels.change,
      act: async () => {
        await changeReviewRule(task.name, rule, wanted);
        notify(labels.changed(told));
      },
      after: onChange,
    });
  }
}

/**
 * @param {string} source
 * @param {Left} found
 */
const row = (source, { coverage, accuracy }) => [[source], proportionCell(coverage), proportionCell(accuracy)];

/**
 * @param {((percent: number) => Left) | null} inTest
 * @param {((percent: number) => Left) | null} byReviews
 * @param {number} probability
 */
function curves(inTest, byReviews, probability) {
  const labels = text.people.rule;
  const lines = [
    inTest && line(labels.lines.right, (percent) => inTest(percent).accuracy.value),
    inTest && line(labels.lines.left, (percent) => inTest(percent).coverage.value),
    byReviews && line(labels.lines.confirmed, (percent) => byReviews(percent).accuracy.value),
  ].filter((known) => known !== null);
  if (lines.length === 0) return null;
  const chart = { lines, label: labels.chart, formatX: wholePercent, formatY: wholePercent, marker: probability };
  return figure(chart, labels.caption);
}

/**
 * @param {string} name
 * @param {(percent: number) => number | null} value
 * @returns {Line}
 */
const line = (name, value) => ({
  name,
  points: STEPS.flatMap((percent) => {
    const y = value(percent);
    return y === null ? [] : [{ x: percent / 100, y }];
  }),
});

/**
 * What the model's own rule did in its test, with the margin and unfamiliar images.
 * @param {ModelFacts} facts
 */
function ownRule({ metrics }) {
  const { review } = metrics.test;
  if (!review || review.accuracy_of_rest.value === null) return null;
  const { value, low, high } = review.accuracy_of_rest;
  const interval = text.modelPages.models.interval(metric(value), metric(low), metric(high));
  return element("p", {}, text.people.rule.ownInTest(wholePercent(review.share), interval));
}

/** @param {number} probability with the digits that it has, but no more than one after the point */
const share = (probability) => new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(probability);
