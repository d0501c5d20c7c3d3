// @ts-check
/** The report of a batch: counts, files without a result with their reasons, and what changed. */
import { announce } from "./announcer.js";
import { fetchBatch, fetchFailures } from "./batchapi.js";
import { bucketAddress } from "./deployment.js";
import { element, fill, save, serverText } from "./dom.js";
import { count, dateTime } from "./format.js";
import { note } from "./sheet.js";
import { tableBox } from "./table.js";
import { classText, fact } from "./tasks.js";
import { text } from "./text.js";

/** @import { BatchReport, FollowedBatch } from "./batchtypes.js" */
/** @import { Child } from "./dom.js" */
/** @import { Task } from "./types.js" */

/** Files that the page lists; all of them are in the list that can be downloaded. */
const LISTED = 100;

/**
 * @param {FollowedBatch} batch
 * @param {BatchReport} report
 * @param {Task | undefined} task
 * @param {AbortSignal} signal of the view
 * @returns {Child[]}
 */
export function reportView({ name }, report, task, signal) {
  const labels = text.batches.report;
  const file = `${name}.json`;
  const download = element("button", { type: "button", className: "quiet" }, labels.download);
  download.addEventListener("click", () => save(new Blob([JSON.stringify(report, null, 2)], { type: "application/json" }), file));
  return [
    element("h3", {}, labels.heading),
    counts(report),
    element("p", { className: "small-print" }, labels.kept(dateTime(report.written_at)), element("code", {}, bucketAddress(`batches/${name}/`))),
    element("p", { className: "actions" }, download),
    ...(report.failed > 0 ? failures(name, report, signal) : []),
    element("h4", {}, labels.changes),
    changes(report, task),
  ];
}

/** @param {BatchReport} report */
function counts({ images, classified, current, deleted, skipped, failed }) {
  const labels = text.batches.report;
  const rows = [
    { label: labels.classified, number: classified, always: true },
    { label: labels.current, number: current, always: true },
    { label: labels.failed, number: failed, always: true },
    { label: labels.deleted, number: deleted, always: false },
    { label: labels.skipped, number: skipped, always: false },
  ];
  const shown = rows.filter(({ number, always }) => always || number > 0);
  return element("dl", { className: "facts" }, fact(labels.images, count(images)), ...shown.map(({ label, number }) => fact(label, count(number))));
}

/**
 * @param {string} name of the batch
 * @param {BatchReport} report
 * @param {AbortSignal} signal
 * @returns {Child[]}
 */
function failures(name, report, signal) {
  const labels = text.batches.report;
  const files = element("div");
  const show = element("button", { type: "button", className: "quiet" }, labels.showFiles);
  const download = element("button", { type: "button", className: "quiet" }, labels.downloadFailures);
  // The link that came with the report may have expired.
  const link = async () => (await fetchBatch(name, signal)).failures ?? "";
  show.addEventListener("click", () => attempt(show, async () => {
    const found = await fetchFailures(await link(), LISTED, signal);
    const rows = found.map(({ key, code, message }) => [[element("code", {}, key)], [reason(code), element("p", { className: "small-print" }, serverText(message))]]);
    fill(files, tableBox(labels.fileColumns, rows, labels.files), report.failed > found.length && element("p", { className: "soft" }, labels.first(count(found.length))));
    announce(labels.listed(count(found.length), found.length));
    show.hidden = true;
  }));
  download.addEventListener("click", () => attempt(download, async () => element("a", { href: await link(), download: "" }).click()));
  const reasons = Object.entries(report.failures).map(([code, number]) => [[reason(code)], [count(number)]]);
  return [
    element("h4", {}, labels.failures),
    element("div", { className: "counts" }, tableBox(labels.failureColumns, reasons, labels.failures)),
    files,
    element("p", { className: "actions" }, show, download),
    element("p", { className: "small-print" }, labels.names),
  ];

  /**
   * @param {HTMLButtonElement} button disabled meanwhile
   * @param {() => Promise<void>} act
   */
  async function attempt(button, act) {
    button.disabled = true;
    try {
      await act();
    } catch (error) {
      if (!signal.aborted) fill(files, note(error));
    } finally {
      button.disabled = false;
    }
  }
}

/** @param {string} code of a file that has no result */
const reason = (code) => text.batches.reasons[code] ?? code;

/**
 * @param {BatchReport} report
 * @param {Task | undefined} task
 */
function changes({ changes: found }, task) {
  const labels = text.batches.report;
  if (found.length === 0) return element("p", {}, labels.noChanges);
  const rows = found.map(({ before, after, images }) => [[classText(task, before)], [classText(task, after)], [count(images)]]);
  return element("div", { className: "batch-changes" }, tableBox(labels.changeColumns, rows, labels.changes));
}
