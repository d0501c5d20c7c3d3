// @ts-check
/** Renders the Markdown that training writes: headings, paragraphs, lists, tables and pictures. Never uses HTML from it. */
import { element } from "./dom.js";
import { tableBox } from "./table.js";

/** @typedef {(file: string, alt: string) => Node} Picture creates the element for a picture, from its file name without the folder */

const HEADING = /^(#{1,6})\s+(.*)$/;
const IMAGE = /^!\[([^\]]*)\]\(([^)\s]+)\)$/;
const ITEM = /^[-*]\s+(.*)$/;
const ROW = /^\|(.*)\|\s*$/;
const RULE = /^\|[\s:|-]+\|\s*$/;
const CODE_OR_STRONG = /(`[^`]+`|\*\*[^*]+\*\*)/;

/** Headings of a file start below those of the page. */
const LEVEL = 2;

/**
 * @param {string} source
 * @param {Picture} picture
 * @returns {Node[]}
 */
export function render(source, picture) {
  return blocks(source).flatMap((lines) => block(lines, picture));
}

/**
 * The pictures of a file.
 * @param {string} source
 * @returns {{file: string, alt: string}[]}
 */
export const pictures = (source) =>
  source.split("\n").flatMap((line) => {
    const image = IMAGE.exec(line);
    return image ? [{ alt: image[1], file: fileName(image[2]) }] : [];
  });

/** @param {string} path */
const fileName = (path) => path.slice(path.lastIndexOf("/") + 1);

/**
 * Split at empty lines.
 * @param {string} source
 */
const blocks = (source) => source.split(/\n\s*\n/).map((part) => part.split("\n").filter((line) => line.trim()));

/**
 * @param {string[]} lines
 * @param {Picture} picture
 * @returns {Node[]}
 */
function block(lines, picture) {
  if (lines.length === 0) return [];
  const heading = HEADING.exec(lines[0]);
  if (heading) return [title(heading[1].length, heading[2]), ...block(lines.slice(1), picture)];
  const image = IMAGE.exec(lines[0]);
  if (image) return [picture(fileName(image[2]), image[1]), ...block(lines.slice(1), picture)];
  if (lines.every((line) => ROW.test(line))) return [table(lines)];
  if (lines.every((line) => ITEM.test(line))) {
    return [element("ul", {}, ...lines.map((line) => element("li", {}, ...inline(ITEM.exec(line)?.[1] ?? ""))))];
  }
  return [element("p", {}, ...inline(lines.join(" ")))];
}

/**
 * @param {number} depth 1 for `#`
 * @param {string} content
 */
function title(depth, content) {
  const tag = /** @type {"h3" | "h4" | "h5" | "h6"} */ (`h${Math.min(depth + LEVEL, 6)}`);
  return element(tag, {}, ...inline(content));
}

/** @param {string[]} lines */
function table(lines) {
  const [head, ...rows] = lines.filter((line) => !RULE.test(line)).map(cells);
  return tableBox(head, rows.map((row) => row.map((content) => inline(content))));
}

/**
 * The cells of a row; an escaped bar is part of a cell.
 * @param {string} line
 */
const cells = (line) =>
  (ROW.exec(line)?.[1] ?? "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));

/**
 * @param {string} content
 * @returns {(Node | string)[]}
 */
const inline = (content) =>
  content.split(CODE_OR_STRONG).map((piece) => {
    if (/^`.+`$/.test(piece)) return element("code", {}, piece.slice(1, -1));
    if (/^\*\*.+\*\*$/.test(piece)) return element("strong", {}, piece.slice(2, -2));
    return piece;
  });
