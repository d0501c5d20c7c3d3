// @ts-check
/** Proportions with their 95 % intervals, as the API gives them and as texts. */
import { element } from "./dom.js";
import { count, metric } from "./format.js";
import { text } from "./text.js";

/** @import { Proportion } from "./modeltypes.js" */

/** The 97.5 % quantile of the normal distribution. */
const QUANTILE = 1.959964;

/**
 * Wilson's score interval, as in chalicelib/proportion.py.
 * @param {number} hits
 * @param {number} of
 * @returns {Proportion}
 */
export function proportion(hits, of) {
  if (of === 0) return { count: 0, of: 0, value: null, low: null, high: null };
  const [value, squared] = [hits / of, QUANTILE ** 2];
  const margin = QUANTILE * Math.sqrt((value * (1 - value)) / of + squared / (4 * of * of));
  const bound = (/** @type {number} */ side) => Math.min(1, Math.max(0, (value + squared / (2 * of) + side * margin) / (1 + squared / of)));
  return { count: hits, of, value, low: bound(-1), high: bound(1) };
}

/**
 * The content of a cell, such as "0.905 (0.870 to 0.931) 190 of 210".
 * @param {Proportion} found
 */
export function proportionCell({ count: hits, of, value, low, high }) {
  if (value === null || low === null || high === null) return ["–"];
  const interval = text.modelPages.models.interval(metric(value), metric(low), metric(high));
  const counts = text.people.countOf(count(Math.round(hits)), count(Math.round(of)));
  return [element("span", { className: "unbroken" }, interval), " ", element("span", { className: "unbroken soft" }, counts)];
}
