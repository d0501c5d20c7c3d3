// @ts-check
/** Paints measurements over the image: bright lines on a dark rim, readable on any image. */

/** @import { Pane, Place } from "./pane.js" */
/** @import { Measurement } from "./measurements.js" */

const RIM = "rgb(7 9 11 / 85%)";
const LINE = "#ffd54a";
const INK = "#fff3c4";
const FONT = "13px system-ui, sans-serif";

/** Length of the arms of a cross. */
const ARM = 6;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Pane} pane
 * @param {Measurement} measurement
 * @param {string} label
 */
export function paintMeasurement(context, pane, { kind, from, to }, label) {
  const [start, end] = [pane.toScreen(from), pane.toScreen(to)];
  const [left, top] = [Math.min(start.x, end.x), Math.min(start.y, end.y)];
  const [width, height] = [Math.abs(end.x - start.x), Math.abs(end.y - start.y)];
  const path = new Path2D();
  if (kind === "rectangle") path.rect(left, top, width, height);
  else if (kind === "ellipse") path.ellipse(left + width / 2, top + height / 2, width / 2, height / 2, 0, 0, 2 * Math.PI);
  else {
    path.moveTo(start.x, start.y);
    path.lineTo(end.x, end.y);
    for (const place of [start, end]) addCross(path, place);
  }
  stroke(context, path);
  if (label) write(context, label, { x: left + width + 8, y: top + height / 2 }, pane.area);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Pane} pane
 * @param {Place} place
 */
export function paintCross(context, pane, place) {
  const path = new Path2D();
  addCross(path, pane.toScreen(place), 2 * ARM);
  stroke(context, path);
}

/**
 * @param {Path2D} path
 * @param {Place} at
 * @param {number} [arm]
 */
function addCross(path, { x, y }, arm = ARM) {
  path.moveTo(x - arm, y);
  path.lineTo(x + arm, y);
  path.moveTo(x, y - arm);
  path.lineTo(x, y + arm);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Path2D} path
 */
function stroke(context, path) {
  context.lineWidth = 4;
  context.strokeStyle = RIM;
  context.stroke(path);
  context.lineWidth = 1.5;
  context.strokeStyle = LINE;
  context.stroke(path);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} label
 * @param {Place} at
 * @param {{x: number, width: number}} area that it should not leave
 */
function write(context, label, at, area) {
  context.font = FONT;
  context.textBaseline = "middle";
  const width = context.measureText(label).width + 10;
  const x = Math.max(area.x, Math.min(at.x, area.x + area.width - width));
  context.fillStyle = RIM;
  context.fillRect(x, at.y - 10, width, 20);
  context.fillStyle = INK;
  context.fillText(label, x + 5, at.y);
}
