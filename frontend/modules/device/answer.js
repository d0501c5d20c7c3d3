// @ts-check
/** Turns model outputs into a result, with the same heat maps and reasons for review as the server (chalicelib/models/classifier.py). */
import { resample } from "./resample.js";

/** @import { HeatMap, Reason, Result, Source, Task } from "../types.js" */
/** @import { Package } from "./package.js" */

/**
 * @typedef {object} Outputs
 * @property {Float32Array} probabilities K
 * @property {Float32Array} activation K x rows x columns
 * @property {number} rows
 * @property {number} columns
 * @property {number} distance out-of-distribution score
 * @property {[number, number, number, number]} box of the image content within the model input
 * @property {Source} source
 */

/**
 * @param {string} id
 * @param {Package} model
 * @param {Outputs} outputs
 * @returns {{result: Result, heatMaps: Record<string, HeatMap>}}
 */
export function answer(id, { task, version, sha256, distance: threshold, probability, disclaimer }, outputs) {
  const names = task.classes.map(({ name }) => name);
  const best = outputs.probabilities.indexOf(Math.max(...outputs.probabilities));
  // The administrators' choice is for the version in use.
  const chosen = task.model?.version === version ? task.model.min_probability : null;
  const required = chosen ?? Math.max(task.review.min_probability, probability ?? 0);
  const everyAnswer = task.model?.shortfall.length ? "weak" : probability === null ? "no threshold" : null;
  const reasons = reasonsForReview(task, outputs.probabilities, { unfamiliar: outputs.distance > threshold, required, everyAnswer });
  const heatMaps = Object.fromEntries(names.map((name, index) => [name, heatMap(outputs, index, task.input)]));
  const now = new Date().toISOString();
  return {
    heatMaps,
    result: {
      id,
      task: task.name,
      status: "classified",
      label: names[best],
      probability: rounded(outputs.probabilities[best], 6),
      probabilities: Object.fromEntries(names.map((name, index) => [name, rounded(outputs.probabilities[index], 6)])),
      needs_review: reasons.length > 0,
      reasons,
      heatmap: heatMaps[names[best]],
      distance: rounded(outputs.distance, 6),
      model: { version, sha256, backend: "device", min_probability: everyAnswer ? null : required },
      source: outputs.source,
      arrival: "device",
      created_at: now,
      classified_at: now,
      review: null,
      readers: [],
      disagreement: false,
      disclaimer,
    },
  };
}

/**
 * The messages are the server's (chalicelib/models/review_rule.py).
 * @param {Task} task
 * @param {Float32Array} probabilities
 * @param {object} rule
 * @param {boolean} rule.unfamiliar
 * @param {number} rule.required lowest probability without a review
 * @param {"weak" | "no threshold" | null} rule.everyAnswer why every answer needs review, if so
 * @returns {Reason[]}
 */
function reasonsForReview(task, probabilities, { unfamiliar, required, everyAnswer }) {
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const [top, second] = [probabilities[order[0]], probabilities[order[1]]];
  const reasons = [];
  if (unfamiliar) {
    const message = "Out of distribution: the image differs from the training images and may not suit this task.";
    reasons.push({ code: "unfamiliar", message });
  }
  if (everyAnswer === "weak") {
    const message = "This model did not reach the required performance in its test; every image needs review.";
    reasons.push({ code: "weak-model", message });
  } else if (everyAnswer) {
    const message = "This model's probabilities do not tell which answers are right; every image needs review.";
    reasons.push({ code: "weak-model", message });
  }
  if (top < required) {
    const message = `The probability is ${percent(top, 1)}; results below ${percent(required, 1)} need review.`;
    reasons.push({ code: "low-confidence", message });
  }
  if (top - second < task.review.min_margin) {
    const message = `Another class is almost as likely: ${task.classes[order[1]].title}, ${percent(second)}.`;
    reasons.push({ code: "close-second", message });
  }
  return reasons;
}

/** @param {number} share */
const percent = (share, digits = 0) => `${(share * 100).toFixed(digits)}%`;

/**
 * The heat map of one class, cropped to the image content (chalicelib/models/heatmap.py).
 * @param {Outputs} outputs
 * @param {number} index of the class
 * @param {Task["input"]} input
 * @returns {HeatMap}
 */
function heatMap({ activation, rows, columns, box: [left, top, width, height] }, index, input) {
  const [across, down] = [columns / input.width, rows / input.height];
  const size = { width: Math.ceil(width * across), height: Math.ceil(height * down) };
  const grid = activation.slice(index * rows * columns, (index + 1) * rows * columns);
  const area = /** @type {[number, number, number, number]} */ ([left * across, top * down, (left + width) * across, (top + height) * down]);
  const values = resample(grid, { width: columns, height: rows }, size, area);
  return { ...size, values: Array.from(values, (value) => rounded(Math.min(Math.max(value, 0), 1), 3)) };
}

/**
 * @param {number} value
 * @param {number} digits
 */
const rounded = (value, digits) => Number(value.toFixed(digits));
