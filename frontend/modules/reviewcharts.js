// @ts-check
/** Calibration and weeks of a model's answers, as charts with the same numbers in tables. */
import { element } from "./dom.js";
import { date, metric, wholePercent } from "./format.js";
import { legend, lineChart } from "./linechart.js";
import { proportionCell } from "./proportions.js";
import { tableBox } from "./table.js";
import { text } from "./text.js";

/** @import { Chart, Point } from "./linechart.js" */
/** @import { Child } from "./dom.js" */
/** @import { Proportion, ReviewedGroup } from "./modeltypes.js" */

/**
 * @param {ReviewedGroup} group
 * @returns {Child[]}
 */
export function calibration({ calibration: bins, calibration_error: error }) {
  const labels = text.people.calibration;
  const ends = [bins[0].low, bins[bins.length - 1].high];
  const chart = {
    lines: [
      { name: labels.agreement, points: bins.map(({ confidence, agreement }) => point(confidence, agreement)) },
      { name: labels.ideal, points: ends.map((end) => ({ x: end, y: end })) },
    ],
    label: labels.chart,
    formatX: wholePercent,
    formatY: wholePercent,
  };
  const rows = bins.map(({ low, high, confidence, agreement }) => [
    [labels.range(wholePercent(low), wholePercent(high))],
    [metric(confidence)],
    proportionCell(agreement),
  ]);
  return [
    element("p", {}, labels.meaning),
    figure(chart, labels.caption),
    tableBox([labels.bin, labels.confidence, labels.agreement], rows),
    error !== null && element("p", {}, labels.error(metric(error))),
  ];
}

/**
 * @param {ReviewedGroup} group
 * @returns {Child[]}
 */
export function weeks({ weeks: found }) {
  const labels = text.people.weeks;
  const chart = {
    lines: [{ name: labels.agreement, points: found.map(({ monday, agreement }) => point(Date.parse(monday), agreement)) }],
    label: labels.chart,
    formatX: (/** @type {number} */ time) => date(new Date(time).toISOString()),
    formatY: wholePercent,
  };
  const rows = found.map(({ monday, agreement }) => [[date(monday)], proportionCell(agreement)]);
  return [
    found.length > 1 && figure(chart, labels.caption),
    tableBox([labels.week, labels.agreement], rows),
  ];
}

/**
 * @param {Chart} chart
 * @param {string} caption
 */
export const figure = (chart, caption) =>
  element("figure", { className: "chart-box" }, lineChart(chart), legend(chart), element("figcaption", {}, caption));

/**
 * @param {number} x
 * @param {Proportion} agreement of at least one image
 * @returns {Point}
 */
const point = (x, { value, low, high }) => ({ x, y: value ?? 0, low: low ?? 0, high: high ?? 0 });
