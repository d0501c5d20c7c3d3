// @ts-check
/** The list of retrainings of all tasks, and the form to start one. */
import { whenLoaded } from "./api.js";
import { element, fill } from "./dom.js";
import { dateTime, span } from "./format.js";
import { Poller } from "./poller.js";
import { fetchRetrainings } from "./modelapi.js";
import { retrainingForm } from "./retrainingform.js";
import { PagedList } from "./pagedlist.js";
import { hasRole, adminsOnly } from "./permissions.js";
import { modelsAddress, retrainingAddress } from "./router.js";
import { translated } from "./sentences.js";
import { note } from "./sheet.js";
import { taskText } from "./tasks.js";
import { TrainingDataView } from "./trainingdata.js";
import { text } from "./text.js";

/** @import { Retraining } from "./modeltypes.js" */
/** @import { Page } from "./modelpages.js" */
/** @import { Task } from "./types.js" */

const REFRESH_MS = 5_000;

/**
 * @param {Task} task
 * @param {Page} page
 */
export function showRetrainings(task, page) {
  const labels = text.modelPages.retrainings;
  const listed = element("div");
  const data = new TrainingDataView(task);
  const signal = page.sheet.show({
    heading: labels.heading,
    content: [
      element("h3", {}, labels.startHeading, taskText(task)),
      element("p", {}, labels.what, element("a", { href: modelsAddress(task.name) }, labels.whatModels)),
      element("h4", {}, text.modelPages.trainingData.heading),
      data.element,
      ...(hasRole("admin") ? [uploadPart(task, data, () => signal), retrainingForm(task, data)] : [adminsOnly(labels.startRight)]),
      element("h3", {}, labels.list),
      listed,
    ],
    focus: page.focus,
  });
  data.load();
  const list = new PagedList({
    none: labels.none,
    read: async (cursor) => {
      const { retrainings: items, ...more } = await fetchRetrainings(cursor);
      return { items, ...more };
    },
    describe: (retraining) => describe(retraining, page.find(retraining.task)),
  });
  const poller = new Poller(async () => {
    await list.refresh();
    return true;
  }, REFRESH_MS, signal);
  fill(listed, poller.problem, list.status, list.rows, list.more);
}

/**
 * The part in which labelled images are uploaded, which is loaded when it is opened.
 * @param {Task} task
 * @param {TrainingDataView} data
 * @param {() => AbortSignal} signal of the view
 */
function uploadPart(task, data, signal) {
  const content = element("div");
  const box = element("details", { className: "labelled-upload" }, element("summary", {}, text.modelPages.trainingData.upload), content);
  const load = async () => {
    try {
      const { labelledUpload } = await whenLoaded(import("./labelledupload.js"));
      fill(content, labelledUpload(task, signal(), () => data.load()));
    } catch (error) {
      fill(content, note(error, load));
    }
  };
  box.addEventListener("toggle", load, { once: true });
  return box;
}

/** @param {Pick<Retraining, "status" | "waiting_for">} retraining */
export function statusChip({ status, waiting_for: waiting }) {
  const labels = text.modelPages.retrainings;
  if (waiting && status === "running") return element("span", { className: "chip review" }, labels.asks);
  return element("span", { className: `chip ${status}` }, labels.statuses[status] ?? status);
}

/**
 * A row of the list.
 * @param {Retraining} retraining
 * @param {Task | undefined} found its task
 */
function describe(retraining, found) {
  const { name, task, started_at: started, ended_at: ended, outcome } = retraining;
  const labels = text.modelPages.retrainings;
  return [
    element("a", { href: retrainingAddress(name) }, taskText(found, task || name), started && ` · ${dateTime(started)}`),
    " ",
    statusChip(retraining),
    started && ended && element("span", { className: "soft" }, ` ${labels.took(span(Date.parse(ended) - Date.parse(started)))}`),
    outcome && element("p", { className: "soft outcome-line" }, ...translated(outcome, found)),
  ];
}
