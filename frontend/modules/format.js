// @ts-check
/** Numbers, sizes and dates in the reader's own locale. */
import { text } from "./text.js";

const share = new Intl.NumberFormat(undefined, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const wholeShare = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });
const whole = new Intl.NumberFormat();
const decimal = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const precise = new Intl.NumberFormat(undefined, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/**
 * A probability in percent. Never "100%" or "0%": a model is not certain, and rounding must not say it is.
 * @param {number} value 0 to 1
 */
export function percent(value) {
  if (value > 0.999) return text.reading.over + share.format(0.999);
  if (value < 0.001) return text.reading.under + share.format(0.001);
  return share.format(value);
}

/** @param {number} value 0 to 1 */
export const wholePercent = (value) => wholeShare.format(value);

/** @param {number} value */
export const count = (value) => whole.format(value);

/** @param {number} value 0 to 1, such as an accuracy or an area under a curve */
export const metric = (value) => precise.format(value);

/** @param {number} bytes */
export function fileSize(bytes) {
  if (bytes < 1_000_000) return `${decimal.format(bytes / 1_000)} kB`;
  return `${decimal.format(bytes / 1_000_000)} MB`;
}

/** @param {number} milliseconds */
export function duration(milliseconds) {
  return milliseconds < 1_000 ? `${whole.format(Math.round(milliseconds))} ms` : `${decimal.format(milliseconds / 1_000)} s`;
}

/** @param {string} iso a point in time, ISO 8601 */
export const dateTime = (iso) => moment.format(new Date(iso));

/** @param {string} iso a point in time, ISO 8601 */
export const date = (iso) => day.format(new Date(iso));

/**
 * The time of day for today, the date for earlier days.
 * @param {string} iso a point in time, ISO 8601
 */
export function shortTime(iso) {
  const then = new Date(iso);
  return then.toDateString() === new Date().toDateString() ? clock.format(then) : day.format(then);
}
