// @ts-check
/** The CSV export with a column of file names, which only this browser knows. */
import { csvAddress, fetchFile } from "./api.js";
import { save } from "./dom.js";
import { nameOf } from "./filenames.js";
import { text } from "./text.js";

/** @import { Item } from "./queue.js" */

/** Time around the results of an upload in which its other files have arrived. */
const TOLERANCE_MS = 60_000;

/**
 * Save the results of an upload with the names of its files.
 * @param {Item[]} items of which at least one has a result
 */
export async function saveUpload(items) {
  const results = items.flatMap(({ result }) => result ?? []);
  const times = results.map(({ created_at }) => created_at).sort();
  const [from, to] = [moved(times[0], -TOLERANCE_MS), moved(times[times.length - 1], TOLERANCE_MS)];
  const tasks = new Set(items.map(({ task }) => task));
  const ids = new Set(items.map(({ id }) => id));
  await saveNamed(csvAddress({ from, to, task: tasks.size === 1 ? items[0].task : null }), (id) => ids.has(id));
}

/**
 * Save an export with the names of the files.
 * @param {string} address of the export
 * @param {(id: string) => boolean} isWanted whether the table shall have a result
 */
export async function saveNamed(address, isWanted) {
  const response = await fetchFile(address);
  save(new Blob([withNames(await response.text(), isWanted)], { type: "text/csv" }), text.worklist.namedFile);
}

/**
 * @param {string} time
 * @param {number} by milliseconds
 */
const moved = (time, by) => new Date(Date.parse(time) + by).toISOString();

/** What a spreadsheet would evaluate as a formula, after NFKC: the same rule as in chalicelib/api/export.py. */
const FORMULA = /^[\s\p{Cc}\p{Cf}\p{Mn}\p{Me}]*[=+\-@\u2212]/u;

/**
 * @param {string} csv from the API; the first column is the id
 * @param {(id: string) => boolean} isWanted
 * @returns {string} the wanted records with the column `file` before it
 */
function withNames(csv, isWanted) {
  const [header, ...rows] = records(csv).map((record) => ({ id: record.slice(0, record.indexOf(",")), record }));
  const wanted = rows.filter(({ id }) => isWanted(id));
  return `file,${header.record}${wanted.map(({ id, record }) => `${field(nameOf(id))},${record}`).join("")}`;
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
