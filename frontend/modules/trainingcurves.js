// @ts-check
/** Training curves. The API returns the latest values only, so the page collects them while it is open. */
import { element } from "./dom.js";
import { clock, metric } from "./format.js";
import { legend, lineChart } from "./linechart.js";
import { fact } from "./tasks.js";
import { text } from "./text.js";

/** @import { Child } from "./dom.js" */
/** @import { Line } from "./linechart.js" */

const LOSSES = ["train:loss", "validation:loss"];
const SCORES = ["validation:balanced_accuracy"];

/** Collected lines by retraining and metric, as long as the page is open. @type {Map<string, Record<string, Line>>} */
const seen = new Map();

export class TrainingCurves {
  /** @param {string} name of the retraining */
  constructor(name) {
    this.lines = seen.get(name) ?? {};
    seen.set(name, this.lines);
  }

  /**
   * @param {Record<string, number>} metrics the latest
   * @param {boolean} running whether more values will follow
   */
  add(metrics, running) {
    const now = Date.now();
    const known = [...LOSSES, ...SCORES].filter((name) => name in metrics);
    // A new epoch changes at least one value; then all are added, even unchanged ones.
    if (!known.some((name) => this.lines[name]?.points.at(-1)?.y !== metrics[name])) return;
    for (const name of known) {
      const line = (this.lines[name] ??= { name: text.modelPages.curves.names[name], points: [] });
      // The final values of a finished training have no time here.
      if (running || line.points.length === 0) line.points.push({ x: now, y: metrics[name] });
    }
  }

  /** @returns {Child[]} */
  describe() {
    const labels = text.modelPages.curves;
    const names = [...LOSSES, ...SCORES].filter((name) => this.lines[name]);
    if (names.length === 0) return [];
    const latest = names.map((name) => fact(labels.names[name], metric(this.lines[name].points.at(-1)?.y ?? NaN)));
    return [
      element("h3", {}, labels.heading),
      element("div", { className: "curves" }, this.chart(LOSSES, labels.losses), this.chart(SCORES, labels.scores)),
      element("dl", { className: "facts" }, ...latest),
    ];
  }

  /**
   * @param {string[]} names
   * @param {string} label
   */
  chart(names, label) {
    const lines = names.flatMap((name) => (this.lines[name] ? [{ ...this.lines[name], name: text.modelPages.curves.names[name] }] : []));
    if (!lines.some(({ points }) => points.length > 1)) return null;
    return element(
      "figure",
      { className: "chart-box" },
      lineChart({ lines, label, formatX: clock, formatY: metric }),
      legend({ lines }),
      element("figcaption", {}, text.modelPages.curves.caption(label)),
    );
  }
}
