// @ts-check
/** The list of retrainings of all tasks, and the form to start one. */
import { whenLoaded } from "./api.js";
import { element, fill } from "./dom.js";
import { dateTime, span } from "./format.js";
import { Poller } from "./poller.js";
import { fetchRetrainings } from "./modelapi.js";
import { KeyedView } from "./keyedview.js";
import { retrainingForm } from "./retrainingform.js";
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
  const list = new List(page.find);
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

/** The list, newest first; rows keep their position while they change. */
class List {
  /** @param {(name: string) => Task | undefined} find */
  constructor(find) {
    this.find = find;
    this.status = element("p", { className: "soft" });
    this.rows = element("ol", { className: "retrainings" });
    this.more = element("button", { type: "button", className: "quiet", hidden: true }, text.worklist.more);
    this.more.addEventListener("click", () => this.readOn());
    /** @type {Map<string, KeyedView>} by name */
    this.known = new Map();
    /** Cursor of the next page. @type {string | null} */
    this.cursor = null;
  }

  async refresh() {
    const { retrainings, cursor } = await fetchRetrainings(null);
    if (this.known.size === 0) this.cursor = cursor;
    // Oldest first, each before the existing rows.
    for (const retraining of [...retrainings].reverse()) this.put(retraining, (row) => this.rows.prepend(row));
    this.status.textContent = this.known.size ? "" : text.modelPages.retrainings.none;
    this.more.hidden = this.cursor === null;
  }

  async readOn() {
    try {
      const { retrainings, cursor } = await fetchRetrainings(this.cursor);
      this.cursor = cursor;
      for (const retraining of retrainings) this.put(retraining, (row) => this.rows.append(row));
      this.more.hidden = cursor === null;
    } catch (error) {
      fill(this.status, note(error));
    }
  }

  /**
   * @param {Retraining} retraining
   * @param {(row: HTMLElement) => void} insert adds a new row
   */
  put(retraining, insert) {
    let view = this.known.get(retraining.name);
    if (!view) {
      view = new KeyedView(element("li"));
      this.known.set(retraining.name, view);
      insert(view.element);
    }
    view.show(retraining, () => this.describe(retraining));
  }

  /** @param {Retraining} retraining */
  describe(retraining) {
    const { name, task, started_at: started, ended_at: ended, outcome } = retraining;
    const labels = text.modelPages.retrainings;
    return [
      element("a", { href: retrainingAddress(name) }, taskText(this.find(task), task || name), started && ` · ${dateTime(started)}`),
      " ",
      statusChip(retraining),
      started && ended && element("span", { className: "soft" }, ` ${labels.took(span(Date.parse(ended) - Date.parse(started)))}`),
      outcome && element("p", { className: "soft outcome-line" }, ...translated(outcome, this.find(task))),
    ];
  }
}
