// @ts-check
/** Writes titles of classes, and words of the page's language, into plots, which training labels with names and in English. */
import { localNumber } from "./sentences.js";
import { text } from "./text.js";

/** @import { Task } from "./types.js" */

/** An entry of a legend, such as "normal (AUC 0.982)". */
const LEGEND = /^(.+?) (\((?:AUC|AP|ECE|\d).*\))$/;
/** What the second line of a plot says. */
const HEADING = /: (\d+) (?:test )?images of (\d+) groups \(patients\)$/;

/** Styles, which the page's security policy would report when a plot is parsed, though it is shown as an image. */
const STYLES = /(<\/?|\s)style(?=[\s=>])/g;
const HIDDEN_STYLES = /(<\/?|\s)hidden-style(?=[\s=>])/g;
const FONT = /font-size: ([^;]+); font-family: ([^;]+)/;
const RIGHT_ALIGNED = /text-anchor: end/;
/** Of a line beside a matrix, in the plot's units. */
const MAX_LABEL_WIDTH = 90;

const canvas = document.createElement("canvas").getContext("2d");

/**
 * @param {string} source SVG
 * @param {Task | undefined} task
 * @returns {string} the same with titles
 */
export function withTitles(source, task) {
  const plot = new DOMParser().parseFromString(source.replace(STYLES, "$1hidden-style"), "image/svg+xml");
  if (plot.querySelector("parsererror")) return source;
  const titles = new Map([...Object.entries(text.plotWords), ...(task?.classes ?? []).map(({ name, title }) => /** @type {const} */ ([name, title]))]);
  const room = { before: 0, after: 0 };
  // A label of several lines is a group with one element for each line.
  for (const group of plot.querySelectorAll("g")) {
    const lines = [...group.children].filter(({ localName }) => localName === "text");
    const words = lines.map(({ textContent }) => textContent ?? "");
    const label = titleOf(words.join(""), titles);
    if (label !== undefined) setLabel(label, lines, room);
    else if (titles.has(words[0])) {
      lines[0].textContent = titles.get(words[0]) ?? "";
      const heading = HEADING.exec(words.slice(1).join(" "));
      if (heading) spread(text.plotHeading(heading[1], heading[2]), lines.slice(1));
    }
  }
  widen(plot.documentElement, Math.max(0, room.after - room.before));
  return new XMLSerializer().serializeToString(plot).replace(HIDDEN_STYLES, "$1style");
}

/**
 * @param {string} label
 * @param {Map<string, string>} titles
 */
function titleOf(label, titles) {
  const legend = LEGEND.exec(label);
  if (!legend) return titles.get(label) ?? (/^\d+\.\d+$/.test(label) ? localNumber(label) : undefined);
  const [, name, figures] = legend;
  const inWords = figures.replace(/\d+\.\d+/g, localNumber).replace(/[a-z]+/g, (word) => titles.get(word) ?? word);
  return titles.has(name) ? `${titles.get(name)} ${inWords}` : undefined;
}

/**
 * Training positions each line of a multi-line label by its left end, so that the right ends meet the matrix.
 * @param {string} label
 * @param {Element[]} lines
 * @param {{ before: number, after: number }} room that right-aligned labels take in this plot
 */
function setLabel(label, lines, room) {
  const before = lines.map(width);
  spread(label, lines);
  const aligned = lines.length > 1 || RIGHT_ALIGNED.test(styleOf(lines[0]));
  if (!aligned) return;
  const after = lines.map(squeeze);
  if (lines.length > 1) lines.forEach((line, index) => move(line, before[index] - after[index], 0));
  room.before = Math.max(room.before, ...before);
  room.after = Math.max(room.after, ...after);
}

/**
 * Make room on the left and below, where the labels are rotated, and move the names of the axes there.
 * @param {Element} plot
 * @param {number} more in the plot's units
 */
function widen(plot, more) {
  const box = plot.getAttribute("viewBox")?.split(" ").map(Number);
  if (!more || box?.length !== 4) return;
  const below = more * Math.SQRT1_2;
  const [width, height] = [box[2] + more, box[3] + below];
  plot.setAttribute("viewBox", `${box[0] - more} ${box[1]} ${width} ${height}`);
  plot.setAttribute("width", `${width}pt`);
  plot.setAttribute("height", `${height}pt`);
  plot.setAttribute("hidden-style", "background: white");
  for (const [axis, distance] of /** @type {const} */ ([["matplotlib.axis_1", below], ["matplotlib.axis_2", -more]])) {
    const name = plot.querySelector(`[id="${axis}"] > g:last-of-type > text`);
    if (name) move(name, 0, distance);
  }
}

/**
 * @param {Element} line
 * @returns {number} its width after it was squeezed into the available room
 */
function squeeze(line) {
  const wanted = width(line);
  if (wanted <= MAX_LABEL_WIDTH) return wanted;
  line.setAttribute("textLength", String(MAX_LABEL_WIDTH));
  line.setAttribute("lengthAdjust", "spacingAndGlyphs");
  return MAX_LABEL_WIDTH;
}

/**
 * @param {Element} line
 * @param {number} along its direction
 * @param {number} across it
 */
function move(line, along, across) {
  line.setAttribute("transform", `${line.getAttribute("transform") ?? ""} translate(${along.toFixed(2)} ${across.toFixed(2)})`);
}

/**
 * @param {Element} line
 * @returns {string}
 */
const styleOf = (line) => line.getAttribute("hidden-style") ?? "";

/**
 * @param {Element} line
 * @returns {number} its natural width, in the plot's units
 */
function width(line) {
  const [, size, family] = FONT.exec(styleOf(line)) ?? [];
  if (!canvas || !size) return 0;
  canvas.font = `${size} ${family}`;
  return canvas.measureText(line.textContent ?? "").width;
}

/**
 * @param {string} title
 * @param {Element[]} lines that hold it, about equally long
 */
function spread(title, lines) {
  const words = title.split(" ");
  lines.forEach((line, index) => {
    const left = lines.length - index;
    line.textContent = words.splice(0, left === 1 ? words.length : Math.ceil(words.length / left)).join(" ");
  });
}
