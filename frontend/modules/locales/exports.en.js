// @ts-check
/** English texts of exports of any size. */

export const exports = {
  heading: "Large export",
  explanation:
    "Writes all results that match the worklist’s filters to one file, however many there are. It takes a few minutes, " +
    "and continues if you close this page. Rows are not sorted.",
  format: "Format",
  formats: { csv: "CSV, for spreadsheets", parquet: "Parquet, for data tools" },
  short: { csv: "CSV", parquet: "Parquet" },
  start: "Start export",
  started: "The export has started.",
  own: "Your exports",
  kept: "They are deleted after seven days.",
  allTasks: "All tasks",
  filtered: "filtered",
  steps: { reading: "Step 1 of 2: the results are copied…", writing: "Step 2 of 2: the file is written…" },
  progress: (/** @type {string} */ what) => `Progress of the export ${what}`,
  finished: (/** @type {string} */ shown, /** @type {number} */ rows, /** @type {string} */ size) =>
    `Ready: ${shown} ${rows === 1 ? "row" : "rows"}, ${size}`,
  ends: { finished: "Deleted.", failed: "Failed. Start it again.", stopped: "Stopped." },
  stop: "Stop",
  stopOne: (/** @type {string} */ what, /** @type {string} */ at) => `Stop the export ${what} of ${at}`,
  download: "Download",
  downloadOne: (/** @type {string} */ what, /** @type {string} */ at) => `Download the export ${what} of ${at}`,
  close: "Close",
};
