// @ts-check
/** A small line chart, drawn at the available size. A table beside it shows the same data. */
import { element, fill } from "./dom.js";

/**
 * @typedef {object} Point
 * @property {number} x
 * @property {number} y
 * @property {number} [low] ends of the confidence interval
 * @property {number} [high]
 * @property {string} [kind] CSS class of its mark
 */

/** @typedef {{name: string, points: Point[]}} Line */

/**
 * @typedef {object} Chart
 * @property {Line[]} lines each has its own colour, dash pattern and mark, up to the sixth (from the fourth on with styles/modelpages.css)
 * @property {string} label text alternative
 * @property {(x: number) => string} formatX
 * @property {(y: number) => string} formatY
 * @property {{y: number, text: string}} [threshold] a horizontal line, such as the gate
 * @property {number} [marker] place of a vertical line
 */

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 220;
const MARGIN = { top: 16, right: 16, bottom: 28, left: 52 };
const LEVELS = 4;
/** Width of an axis label in pixels. */
const LABEL_WIDTH = 96;
const MARK = 4.5;

/** @param {Chart} chart */
export function lineChart(chart) {
  const box = element("div", { className: "chart" });
  // Redrawn instead of scaled, so that text keeps its size on a phone.
  new ResizeObserver(() => {
    if (box.clientWidth > 0) fill(box, draw(chart, box.clientWidth));
  }).observe(box);
  return box;
}

/**
 * The legend: the name of each line beside its mark.
 * @param {Pick<Chart, "lines" | "threshold">} chart
 */
export function legend({ lines, threshold }) {
  const entries = lines.map(({ name }, index) =>
    entry(name, series(index), node("path", { class: "line", d: "M0 6H34" }), mark(index, 17, 6)),
  );
  if (threshold) entries.push(entry(threshold.text, "", node("path", { class: "least", d: "M0 6H34" })));
  return element("ul", { className: "chart-legend" }, ...entries);
}

/** @param {number} index of a line */
const series = (index) => `series-${index % 6}`;

/**
 * @param {string} name
 * @param {string} series
 * @param {...Node} drawn
 */
function entry(name, series, ...drawn) {
  const swatch = node("svg", { width: 34, height: 12, "aria-hidden": "true", class: series });
  swatch.append(...drawn);
  return element("li", {}, swatch, name);
}

/**
 * @param {Chart} chart
 * @param {number} width pixels
 */
function draw({ lines, label, formatX, formatY, threshold, marker }, width) {
  const points = lines.flatMap((line) => line.points);
  const [left, right] = span(points.map(({ x }) => x), 0);
  const ys = points.flatMap(({ y, low = y, high = y }) => [y, low, high]);
  const [bottom, top] = span(threshold ? [...ys, threshold.y] : ys, 0.08);
  const x = (/** @type {number} */ value) =>
    left === right ? (MARGIN.left + width - MARGIN.right) / 2 : scale(value, left, right, MARGIN.left + 8, width - MARGIN.right - 8);
  const y = (/** @type {number} */ value) => scale(value, bottom, top, HEIGHT - MARGIN.bottom, MARGIN.top);

  const svg = node("svg", { width, height: HEIGHT, role: "img", "aria-label": label });
  for (const level of levels(bottom, top)) {
    svg.append(
      node("path", { class: "grid", d: `M${MARGIN.left} ${y(level)}H${width - MARGIN.right}` }),
      axisLabel(formatY(level), MARGIN.left - 8, y(level) + 4, "end"),
    );
  }
  for (const [place, anchor] of places(points.map((point) => point.x), x)) {
    svg.append(axisLabel(formatX(place), x(place), HEIGHT - 8, anchor));
  }
  if (threshold) svg.append(node("path", { class: "least", d: `M${MARGIN.left} ${y(threshold.y)}H${width - MARGIN.right}` }));
  if (marker !== undefined) svg.append(node("path", { class: "least", d: `M${x(marker)} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}` }));
  lines.forEach((line, index) => svg.append(drawLine(line, index, x, y)));
  return svg;
}

/**
 * @param {Line} line
 * @param {number} index
 * @param {(value: number) => number} x
 * @param {(value: number) => number} y
 */
function drawLine({ points }, index, x, y) {
  const group = node("g", { class: series(index) });
  const path = points.map((point, at) => `${at ? "L" : "M"}${x(point.x)} ${y(point.y)}`).join("");
  if (path) group.append(node("path", { class: "line", d: path }));
  for (const { x: at, low, high } of points) {
    if (low !== undefined && high !== undefined) group.append(node("path", { class: "interval", d: `M${x(at)} ${y(low)}V${y(high)}` }));
  }
  // With many points, mark only the last one.
  const marked = points.length > 40 ? points.slice(-1) : points;
  group.append(...marked.map((point) => mark(index, x(point.x), y(point.y), point.kind)));
  return group;
}

/**
 * @param {number} index of the line
 * @param {number} x
 * @param {number} y
 * @param {string} [kind]
 */
function mark(index, x, y, kind = "") {
  const name = `mark ${kind}`.trim();
  if (index % 3 === 0) return node("circle", { class: name, cx: x, cy: y, r: MARK });
  if (index % 3 === 1) return node("rect", { class: name, x: x - MARK + 0.5, y: y - MARK + 0.5, width: 2 * MARK - 1, height: 2 * MARK - 1 });
  return node("path", { class: name, d: `M${x} ${y - MARK}L${x + MARK} ${y + MARK}H${x - MARK}Z` });
}

/**
 * The labelled positions of the x axis: the first, the last, and as many in between as fit.
 * @param {number[]} all
 * @param {(value: number) => number} x pixels
 * @returns {[number, "start" | "middle" | "end"][]}
 */
function places(all, x) {
  const sorted = [...new Set(all)].sort((a, b) => a - b);
  const [first, last] = [sorted[0], sorted[sorted.length - 1]];
  if (first === last) return [[first, "middle"]];
  /** @type {[number, "start" | "middle" | "end"][]} */
  const chosen = [[first, "start"]];
  // The first and last labels extend to one side, the others to both.
  let free = x(first) + 1.5 * LABEL_WIDTH;
  for (const place of sorted) {
    if (x(place) < free || x(place) > x(last) - 1.5 * LABEL_WIDTH) continue;
    chosen.push([place, "middle"]);
    free = x(place) + LABEL_WIDTH;
  }
  return [...chosen, [last, "end"]];
}

/**
 * Round tick values between two values.
 * @param {number} low
 * @param {number} high
 */
function levels(low, high) {
  const rough = (high - low) / LEVELS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, index) => (first + index) * step);
}

/**
 * The range of the values, with a margin.
 * @param {number[]} values
 * @param {number} beyond margin as a share of the range
 * @returns {[number, number]}
 */
function span(values, beyond) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const more = (high - low || (beyond && Math.abs(high)) || beyond) * beyond;
  return [low - more, high + more];
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @param {number} from pixels, position of `low`
 * @param {number} to position of `high`
 */
const scale = (value, low, high, from, to) => from + ((value - low) / (high - low)) * (to - from);

/**
 * @param {string} content
 * @param {number} x
 * @param {number} y
 * @param {string} anchor
 */
function axisLabel(content, x, y, anchor) {
  const made = node("text", { x, y, "text-anchor": anchor });
  made.textContent = content;
  return made;
}

/**
 * @param {string} tag
 * @param {Record<string, unknown>} attributes
 */
function node(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}
