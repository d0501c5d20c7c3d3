// @ts-check
/** The CSV export with a column more, which only this browser can fill: the names of the files. */
import { nameOf } from "./filenames.js";

/** Text that a spreadsheet would evaluate begins with one of these, possibly after spaces. */
const FORMULA = /^[\s\p{C}]*[=+\-@\u2212\uff1d\uff0b\uff0d\uff20]/u;

/**
 * @param {string} csv from the API; the first column is the id
 * @returns {string} the same with the column `file` before it
 */
export function withNames(csv) {
  return records(csv)
    .map((record, index) => `${index === 0 ? "file" : field(nameOf(record.slice(0, record.indexOf(","))))},${record}`)
    .join("");
}

/**
 * Split a table into its records, with their line ends. A quoted field may hold line breaks.
 * @param {string} csv
 */
function records(csv) {
  return csv.match(/(?:[^"\n]|"[^"]*")+\n?/g) ?? [];
}

/** @param {string} value */
function field(value) {
  const harmless = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
