// @ts-check
/** A small chart of lines over a common axis, drawn in the size that there is. A table beside it says the same. */
import { element, fill } from "./dom.js";

/**
 * @typedef {object} Point
 * @property {number} x
 * @property {number} y
 * @property {number} [low] ends of its interval
 * @property {number} [high]
 * @property {string} [kind] how it is marked
 */

/** @typedef {{name: string, points: Point[]}} Line */

/**
 * @typedef {object} Chart
 * @property {Line[]} lines at most three: each has its own colour, dash and mark
 * @property {string} label what it shows, in words
 * @property {(x: number) => string} formatX
 * @property {(y: number) => string} formatY
 * @property {{y: number, words: string}} [least] a level that counts
 */

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 220;
const MARGIN = { top: 16, right: 16, bottom: 28, left: 52 };
const LEVELS = 4;
/** Pixels that the words of a place on the axis need. */
const WORDS_WIDTH = 96;
const MARK = 4.5;

/** @param {Chart} chart */
export function lineChart(chart) {
  const box = element("div", { className: "chart" });
  // Drawn anew rather than scaled: words keep their size on a phone.
  new ResizeObserver(() => {
    if (box.clientWidth > 0) fill(box, draw(chart, box.clientWidth));
  }).observe(box);
  return box;
}

/**
 * What is which line, in words beside their marks.
 * @param {Pick<Chart, "lines" | "least">} chart
 */
export function legend({ lines, least }) {
  const entries = lines.map(({ name }, index) =>
    entry(name, `series-${index}`, node("path", { class: "line", d: "M0 6H34" }), mark(index, 17, 6)),
  );
  if (least) entries.push(entry(least.words, "", node("path", { class: "least", d: "M0 6H34" })));
  return element("ul", { className: "chart-legend" }, ...entries);
}

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
function draw({ lines, label, formatX, formatY, least }, width) {
  const points = lines.flatMap((line) => line.points);
  const [left, right] = span(points.map(({ x }) => x), 0);
  const ys = points.flatMap(({ y, low = y, high = y }) => [y, low, high]);
  const [bottom, top] = span(least ? [...ys, least.y] : ys, 0.08);
  const x = (/** @type {number} */ value) =>
    left === right ? (MARGIN.left + width - MARGIN.right) / 2 : scale(value, left, right, MARGIN.left + 8, width - MARGIN.right - 8);
  const y = (/** @type {number} */ value) => scale(value, bottom, top, HEIGHT - MARGIN.bottom, MARGIN.top);

  const svg = node("svg", { width, height: HEIGHT, role: "img", "aria-label": label });
  for (const level of levels(bottom, top)) {
    svg.append(
      node("path", { class: "grid", d: `M${MARGIN.left} ${y(level)}H${width - MARGIN.right}` }),
      words(formatY(level), MARGIN.left - 8, y(level) + 4, "end"),
    );
  }
  for (const [place, anchor] of places(points.map((point) => point.x), x)) {
    svg.append(words(formatX(place), x(place), HEIGHT - 8, anchor));
  }
  if (least) svg.append(node("path", { class: "least", d: `M${MARGIN.left} ${y(least.y)}H${width - MARGIN.right}` }));
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
  const group = node("g", { class: `series-${index}` });
  const path = points.map((point, at) => `${at ? "L" : "M"}${x(point.x)} ${y(point.y)}`).join("");
  if (path) group.append(node("path", { class: "line", d: path }));
  for (const { x: at, low, high } of points) {
    if (low !== undefined && high !== undefined) group.append(node("path", { class: "interval", d: `M${x(at)} ${y(low)}V${y(high)}` }));
  }
  // Of many points only the line is seen.
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
  if (index === 0) return node("circle", { class: name, cx: x, cy: y, r: MARK });
  if (index === 1) return node("rect", { class: name, x: x - MARK + 0.5, y: y - MARK + 0.5, width: 2 * MARK - 1, height: 2 * MARK - 1 });
  return node("path", { class: name, d: `M${x} ${y - MARK}L${x + MARK} ${y + MARK}H${x - MARK}Z` });
}

/**
 * The first and the last place of the axis, and as many in between as have room for their words.
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
  // The words of the first and the last stand to one side of them, those in between to both.
  let free = x(first) + 1.5 * WORDS_WIDTH;
  for (const place of sorted) {
    if (x(place) < free || x(place) > x(last) - 1.5 * WORDS_WIDTH) continue;
    chosen.push([place, "middle"]);
    free = x(place) + WORDS_WIDTH;
  }
  return [...chosen, [last, "end"]];
}

/**
 * Round levels between two values.
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
 * From the least to the greatest, and a little beyond.
 * @param {number[]} values
 * @param {number} beyond as a share of their span
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
 * @param {number} from pixels, where `low` lies
 * @param {number} to likewise for `high`
 */
const scale = (value, low, high, from, to) => from + ((value - low) / (high - low)) * (to - from);

/**
 * @param {string} content
 * @param {number} x
 * @param {number} y
 * @param {string} anchor
 */
function words(content, x, y, anchor) {
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
