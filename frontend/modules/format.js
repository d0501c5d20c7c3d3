// @ts-check
/** Formats numbers, sizes and dates for the user's locale. */
import { locale, text } from "./text.js";

/** @type {Map<string, Intl.NumberFormat | Intl.DateTimeFormat>} */
const made = new Map();

/**
 * Formatters are cached: creating one costs more than using it.
 * @param {Intl.NumberFormatOptions} options
 */
function number(options) {
  const key = locale + JSON.stringify(options);
  if (!made.has(key)) made.set(key, new Intl.NumberFormat(locale, options));
  return /** @type {Intl.NumberFormat} */ (made.get(key));
}

/** @param {Intl.DateTimeFormatOptions} options */
function time(options) {
  const key = `${locale}time${JSON.stringify(options)}`;
  if (!made.has(key)) made.set(key, new Intl.DateTimeFormat(locale, options));
  return /** @type {Intl.DateTimeFormat} */ (made.get(key));
}

/** @param {number} value */
const share = (value) => number({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(value);

/**
 * A probability in percent. Never "100%" or "0%", since rounding must not make a model look certain.
 * @param {number} value 0 to 1
 */
export function percent(value) {
  if (value > 0.999) return text.result.over + share(0.999);
  if (value < 0.001) return text.result.under + share(0.001);
  return share(value);
}

/** @param {number} value 0 to 1 */
export const wholePercent = (value) => number({ style: "percent", maximumFractionDigits: 0 }).format(value);

/** @param {number} value */
export const count = (value) => number({ maximumFractionDigits: 0 }).format(value);

/** @param {number} value 0 to 1, such as an accuracy or an area under a curve */
export const metric = (value) => number({ minimumFractionDigits: 3, maximumFractionDigits: 3 }).format(value);

/** @param {number} value */
export const decimal = (value) => number({ maximumFractionDigits: 1 }).format(value);

/** @param {number} bytes */
export function fileSize(bytes) {
  if (bytes < 1_000_000) return `${decimal(bytes / 1_000)} kB`;
  return `${decimal(bytes / 1_000_000)} MB`;
}

/** @param {number} milliseconds */
export function duration(milliseconds) {
  return milliseconds < 1_000 ? `${count(Math.round(milliseconds))} ms` : `${decimal(milliseconds / 1_000)} s`;
}

/** @param {string} iso a point in time, ISO 8601 */
export const dateTime = (iso) => time({ dateStyle: "medium", timeStyle: "medium" }).format(new Date(iso));

/**
 * A duration in its two largest units, such as "3m 20s".
 * @param {number} milliseconds
 */
export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  /** @type {[string, number][]} */
  const units = [["hour", Math.floor(seconds / 3_600)], ["minute", Math.floor(seconds / 60) % 60], ["second", seconds % 60]];
  const first = units.findIndex(([, amount]) => amount > 0);
  return (first < 0 ? units.slice(2) : units.slice(first, first + 2))
    .map(([unit, amount]) => number({ style: "unit", unit, unitDisplay: "narrow" }).format(amount))
    .join("\u00a0");
}

/** @param {string} iso a point in time, ISO 8601 */
export const date = (iso) => time({ dateStyle: "medium" }).format(new Date(iso));

/**
 * The time for today, the date for earlier days.
 * @param {string} iso a point in time, ISO 8601
 */
export function shortTime(iso) {
  const then = new Date(iso);
  return then.toDateString() === new Date().toDateString() ? time({ timeStyle: "short" }).format(then) : date(iso);
}
