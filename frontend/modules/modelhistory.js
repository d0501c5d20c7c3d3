// @ts-check
/** The versions of a task's model over time: a chart of one metric, and a table of all. */
import { element, fill } from "./dom.js";
import { date, metric } from "./format.js";
import { legend, lineChart } from "./linechart.js";
import { intervalText, originText, statusChip } from "./modelversion.js";
import { versionAddress } from "./router.js";
import { tableBox } from "./table.js";
import { text } from "./text.js";

/** @import { ModelVersion } from "./modeltypes.js" */
/** @import { Task } from "./types.js" */

/**
 * @param {Task} task
 * @param {ModelVersion[]} versions the newest first
 */
export function history(task, versions) {
  const labels = text.modelPages.models;
  // The metrics that lists contain; model.json has all.
  const names = Object.keys(text.tasks.metrics).filter((name) => versions.some((version) => version.metrics[name]));
  const rows = versions.map((version) => [
    [element("a", { href: versionAddress(task.name, version.version) }, version.version)],
    [statusChip(version)],
    [date(version.created_at)],
    ...names.map((name) => [version.metrics[name] ? intervalText(version.metrics[name]) : "–"]),
    [originText(version)],
  ]);
  const head = [labels.versionColumn, labels.status, labels.trained, ...names.map((name) => text.tasks.metrics[name]), labels.origin];
  return element(
    "div",
    {},
    ...(versions.length > 1 ? [chart(task, versions, names)] : []),
    element("p", { className: "small-print" }, labels.intervals),
    element("div", { className: "wide" }, tableBox(head, rows, labels.history)),
  );
}

/**
 * @param {Task} task
 * @param {ModelVersion[]} versions
 * @param {string[]} names of metrics
 */
function chart(task, versions, names) {
  const labels = text.modelPages.models;
  const inOrder = [...versions].sort((a, b) => a.created_at.localeCompare(b.created_at));
  const box = element("div");
  const choice = element(
    "select",
    { id: "history-metric" },
    ...names.map((name) => element("option", { value: name }, text.tasks.metrics[name])),
  );
  const draw = () => {
    const name = choice.value;
    const points = inOrder.flatMap(({ metrics, status }, index) => {
      const known = metrics[name];
      return known ? [{ x: index, y: known.value, low: known.low, high: known.high, kind: status }] : [];
    });
    const threshold = task.gate.metrics[name];
    const shown = {
      lines: [{ name: text.tasks.metrics[name], points }],
      label: labels.chart(text.tasks.metrics[name], String(points.length)),
      formatX: (/** @type {number} */ index) => date(inOrder[index].created_at),
      formatY: metric,
      ...(threshold === undefined ? {} : { threshold: { y: threshold, text: labels.gateLine(metric(threshold)) } }),
    };
    fill(box, lineChart(shown), legend(shown));
  };
  choice.addEventListener("change", draw);
  draw();
  return element(
    "figure",
    { className: "chart-box" },
    element("div", { className: "chart-head" }, element("label", { htmlFor: choice.id }, labels.metric), choice),
    box,
    element("figcaption", {}, labels.chartCaption),
  );
}
