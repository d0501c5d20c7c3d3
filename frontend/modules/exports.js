// @ts-check
/** Exports of any size, in a dialog: starts them, follows them, and hands out their files; loaded on first use. */
import { announce } from "./announcer.js";
import { parameters, request } from "./api.js";
import { addStyles, element, fill } from "./dom.js";
import { count, dateTime, fileSize } from "./format.js";
import { Poller } from "./poller.js";
import { note } from "./sheet.js";
import { loadTextsOf, text } from "./text.js";

/** @import { Selection, Task } from "./types.js" */

/**
 * @typedef {object} Export
 * @property {string} name
 * @property {"csv" | "parquet"} format
 * @property {Record<string, unknown>} filters
 * @property {"running" | "finished" | "failed" | "stopped"} status
 * @property {"reading" | "writing" | null} step of one that is running
 * @property {string} started_at
 * @property {number | null} rows
 * @property {number | null} bytes
 */

const POLL_MS = 5_000;
/** @type {Export["format"][]} */
const FORMATS = ["csv", "parquet"];

await Promise.all([loadTextsOf("exports"), loadTextsOf("modelpages"), addStyles("exports")]);

export class ExportsDialog {
  /**
   * @param {Selection} selection the results to export
   * @param {(name: string) => Task | undefined} findTask
   */
  constructor(selection, findTask) {
    const labels = text.exports;
    this.selection = selection;
    this.findTask = findTask;
    this.work = new AbortController();
    /** The status of each export, as it was shown last. @type {Map<string, string>} */
    this.shown = new Map();
    this.format = element("select", { id: "export-format" }, ...FORMATS.map((value) => element("option", { value }, labels.formats[value])));
    this.start = element("button", { type: "button", className: "primary", onclick: () => this.attempt(this.start, () => this.begin()) }, labels.start);
    this.problem = element("div");
    this.list = element("ul", { className: "export-list" });
    const close = element("button", { type: "button", onclick: () => this.dialog.close() }, labels.close);
    this.poller = new Poller(() => this.refresh(), POLL_MS, this.work.signal);
    this.dialog = element(
      "dialog",
      { className: "confirmation exports-dialog", "aria-labelledby": "exports-heading" },
      element("h2", { id: "exports-heading" }, labels.heading),
      element("p", {}, labels.explanation),
      element("p", { className: "export-start" }, element("label", { htmlFor: "export-format" }, labels.format), this.format, this.start),
      this.problem,
      element("h3", {}, labels.own),
      this.poller.problem,
      this.list,
      element("p", { className: "small-print" }, labels.kept),
      element("div", { className: "actions" }, close),
    );
    this.dialog.addEventListener("close", () => {
      this.work.abort();
      this.dialog.remove();
    });
    document.body.append(this.dialog);
    this.dialog.showModal();
  }

  async begin() {
    const { order, ...filters } = this.selection;
    await request(`/exports?${new URLSearchParams(parameters({ ...filters, format: this.format.value }))}`, { method: "POST" });
    announce(text.exports.started);
    await this.poller.once();
  }

  /**
   * Do something, and show the error if it fails.
   * @param {HTMLButtonElement} button disabled meanwhile
   * @param {() => Promise<void>} act
   */
  async attempt(button, act) {
    button.disabled = true;
    fill(this.problem);
    try {
      await act();
    } catch (error) {
      fill(this.problem, note(error));
    } finally {
      button.disabled = false;
    }
  }

  async refresh() {
    /** @type {{ exports: Export[] }} */
    const { exports } = await (await request("/exports", { signal: this.work.signal })).json();
    const changed = exports.filter((one) => this.shown.get(one.name) !== status(one));
    const ended = changed.filter(({ name, status: now }) => this.shown.has(name) && now !== "running");
    // What has not changed keeps its buttons, one of which may have the focus.
    if (changed.length > 0 || exports.length < this.shown.size) fill(this.list, ...exports.map((one) => this.row(one)));
    this.shown = new Map(exports.map((one) => [one.name, status(one)]));
    for (const one of ended) announce(status(one));
    this.list.hidden = exports.length === 0;
    return true;
  }

  /** @param {Export} one */
  row(one) {
    const labels = text.exports;
    const { name, format, filters, started_at } = one;
    const task = typeof filters.task === "string" ? (this.findTask(filters.task)?.title ?? filters.task) : labels.allTasks;
    const narrowed = Object.keys(filters).some((key) => key !== "task") && labels.filtered;
    const what = [task, labels.short[format], narrowed].filter(Boolean).join(" · ");
    const at = dateTime(started_at);
    return element(
      "li",
      {},
      element("span", { className: "export-what" }, what, element("span", { className: "small-print" }, at)),
      element("span", { className: "export-status" }, one.status === "running" && element("progress", { "aria-label": labels.progress(what) }), status(one)),
      one.status === "running" && this.button(labels.stop, labels.stopOne(what, at), `/exports/${encodeURIComponent(name)}/stop`, "POST"),
      one.rows !== null && this.button(labels.download, labels.downloadOne(what, at), `/exports/${encodeURIComponent(name)}`, "GET"),
    );
  }

  /**
   * @param {string} label
   * @param {string} name for screen readers
   * @param {string} path
   * @param {"GET" | "POST"} method POST stops an export, GET leads to its file
   */
  button(label, name, path, method) {
    const made = element("button", { type: "button", className: "quiet", "aria-label": name }, label);
    made.addEventListener("click", () =>
      this.attempt(made, async () => {
        const { url } = await (await request(path, { method })).json();
        // The browser saves the file: it may be larger than a page can hold.
        if (url) element("a", { href: url, download: "" }).click();
        else await this.poller.once();
      }),
    );
    return made;
  }
}

/** @param {Export} one */
function status({ status: now, step, rows, bytes }) {
  const labels = text.exports;
  if (now === "running") return labels.steps[step ?? "reading"];
  if (now === "finished" && rows !== null && bytes !== null) return labels.finished(count(rows), rows, fileSize(bytes));
  return labels.ends[now];
}
