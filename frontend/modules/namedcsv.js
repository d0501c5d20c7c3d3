// @ts-check
/** Adds a column with the file names, which only this browser knows, to the CSV export. */
import { nameOf } from "./filenames.js";

/** What a spreadsheet would evaluate as a formula, after NFKC: the same rule as in chalicelib/api/export.py. */
const FORMULA = /^[\s\p{Cc}\p{Cf}\p{Mn}\p{Me}]*[=+\-@\u2212]/u;

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
  const harmless = FORMULA.test(value.normalize("NFKC")) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
