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
/** Room beside a matrix, in the plot's units. */
const MAX_LABEL_WIDTH = 76;

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
  // A label of several lines is a group with one element for each line.
  for (const group of plot.querySelectorAll("g")) {
    const lines = [...group.children].filter(({ localName }) => localName === "text");
    const words = lines.map(({ textContent }) => textContent ?? "");
    const label = titleOf(words.join(""), titles);
    if (label !== undefined) setLabel(label, lines);
    else if (titles.has(words[0])) {
      lines[0].textContent = titles.get(words[0]) ?? "";
      const heading = HEADING.exec(words.slice(1).join(" "));
      if (heading) spread(text.plotHeading(heading[1], heading[2]), lines.slice(1));
    }
  }
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
 */
function setLabel(label, lines) {
  const before = lines.map(width);
  spread(label, lines);
  if (lines.length > 1) lines.forEach((line, index) => move(line, before[index] - squeeze(line)));
  else if (RIGHT_ALIGNED.test(styleOf(lines[0]))) squeeze(lines[0]);
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
 * @param {number} distance along its direction
 */
function move(line, distance) {
  line.setAttribute("transform", `${line.getAttribute("transform") ?? ""} translate(${distance.toFixed(2)} 0)`);
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
