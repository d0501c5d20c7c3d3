// @ts-check
/** The list of batches of all tasks, and the form to start one. For administrators; loaded on first use. */
import { fetchBatches } from "./batchapi.js";
import { batchForm } from "./batchform.js";
import { addStyles, element, fill } from "./dom.js";
import { dateTime } from "./format.js";
import { PagedList } from "./pagedlist.js";
import { adminsOnly, hasRole } from "./permissions.js";
import { Poller } from "./poller.js";
import { batchAddress } from "./router.js";
import { noModel, taskText } from "./tasks.js";
import { loadTextsOf, text } from "./text.js";

/** @import { Batch } from "./batchtypes.js" */
/** @import { Page } from "./modelpages.js" */
/** @import { Task } from "./types.js" */

await Promise.all([loadTextsOf("batches"), addStyles("batches")]);

/** For each batch of a page, the server asks Step Functions. */
const REFRESH_MS = 10_000;

/**
 * @param {Task} task
 * @param {Page} page
 */
export function showBatches(task, page) {
  const labels = text.batches;
  if (!hasRole("admin")) {
    page.sheet.show({ heading: labels.heading, content: [adminsOnly(labels.right)], focus: page.focus });
    return;
  }
  const listed = element("div");
  const signal = page.sheet.show({
    heading: labels.heading,
    content: [
      element(
        "div",
        { className: "columns" },
        element("div", {}, element("h3", {}, labels.startHeading, taskText(task)), ...(task.model ? [element("p", {}, labels.what), batchForm(task)] : noModel())),
        element("div", {}, element("h3", {}, labels.list), listed),
      ),
    ],
    focus: page.focus,
  });
  const list = new PagedList({
    none: labels.none,
    read: async (cursor) => {
      const { batches: items, ...more } = await fetchBatches(cursor);
      return { items, ...more };
    },
    describe: (batch) => describe(batch, page.find(batch.task)),
  });
  const poller = new Poller(async () => {
    await list.refresh();
    return true;
  }, REFRESH_MS, signal);
  fill(listed, poller.problem, list.status, list.rows, list.more);
}

/** @param {Batch["status"]} status */
export const statusChip = (status) => element("span", { className: `chip ${status}` }, text.batches.statuses[status]);

/**
 * What a batch classifies, in words, with its source.
 * @param {Pick<Batch, "kind" | "source">} batch
 */
export const sourceText = ({ kind, source }) =>
  element("span", {}, text.batches.kinds[kind], kind !== "again" && ": ", kind !== "again" && element("code", {}, source));

/**
 * A row of the list.
 * @param {Batch} batch
 * @param {Task | undefined} task
 */
const describe = (batch, task) => [
  element("a", { href: batchAddress(batch.name) }, taskText(task, batch.task), ` · ${dateTime(batch.requested_at)}`),
  " ",
  statusChip(batch.status),
  element("p", { className: "soft outcome-line" }, sourceText(batch)),
];
