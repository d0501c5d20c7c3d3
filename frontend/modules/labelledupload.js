// @ts-check
/** The part of the page in which labelled images are uploaded, one folder per class; loaded on first use. */
import { announce } from "./announcer.js";
import { addStyles, element, fill } from "./dom.js";
import { droppedFiles } from "./folder.js";
import { count } from "./format.js";
import { sortByFolder } from "./labelledfolders.js";
import { LabelledSender } from "./labelledsender.js";
import { note } from "./sheet.js";
import { classTitle } from "./tasks.js";
import { loadTextsOf, text } from "./text.js";
import { guardSending } from "./unloadguard.js";

/** @import { Folder } from "./labelledfolders.js" */
/** @import { LabelledFile } from "./labelledsender.js" */
/** @import { Task } from "./types.js" */

await Promise.all([loadTextsOf("labelledupload"), addStyles("labelledupload")]);

/** Chosen for a folder that is not sent. */
const SKIP = "-";
/** The most failures that are listed. */
const LISTED = 50;

/**
 * @param {Task} task
 * @param {AbortSignal} signal aborted when the view is closed
 * @param {() => void} onSent
 */
export function labelledUpload(task, signal, onSent) {
  const labels = text.labelledUpload;
  const input = element("input", { type: "file", id: "labelled-folder", multiple: true, webkitdirectory: true });
  const chosen = element("div");
  const zone = element(
    "div",
    { className: "labelled-drop" },
    element("p", {}, labels.what),
    element("p", { className: "small-print" }, labels.patients),
    element("p", {}, element("label", { htmlFor: input.id }, labels.choose), " ", input),
  );
  const show = (/** @type {File[]} */ files) => fill(chosen, folderForm(task, sortByFolder(files, task), signal, onSent));
  input.addEventListener("change", () => show([...(input.files ?? [])]));
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (event.dataTransfer) show(await droppedFiles(event.dataTransfer));
  });
  return element("div", {}, zone, chosen);
}

/**
 * @param {Task} task
 * @param {Folder[]} folders
 * @param {AbortSignal} signal
 * @param {() => void} onSent
 */
function folderForm(task, folders, signal, onSent) {
  const labels = text.labelledUpload;
  if (folders.length === 0) return element("p", { className: "verdict review", role: "alert" }, labels.noFiles);
  const rows = folders.map((folder, index) => ({ folder, choice: classChoice(task, folder, index) }));
  const problem = element("div");
  const progress = element("progress", { hidden: true, "aria-label": labels.progress });
  const status = element("p", { className: "soft" });
  const failures = element("div");
  const send = element("button", { className: "primary" }, labels.send);
  const stop = element("button", { type: "button", hidden: true }, labels.stop);
  const sender = new LabelledSender(task, () => {
    progress.max = sender.total;
    progress.value = sender.done;
    status.textContent = labels.done(count(sender.done), count(sender.total), count(sender.sent), count(sender.known));
  });
  const form = element(
    "form",
    { className: "labelled-folders" },
    element("ul", {}, ...rows.map(({ folder, choice }, index) => element(
      "li",
      {},
      element("label", { htmlFor: `labelled-class-${index}` }, folder.name || labels.noFolder, element("span", { className: "soft" }, ` ${labels.files(count(folder.files.length))}`)),
      choice,
    ))),
    problem,
    progress,
    status,
    failures,
    element("p", { className: "actions" }, send, stop),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const open = rows.find(({ choice }) => choice.value === "");
    fill(problem, open && element("p", { className: "verdict review", role: "alert" }, labels.undecided));
    if (open) open.choice.focus();
    else await run(rows.flatMap(({ folder, choice }) => (choice.value === SKIP ? [] : folder.files.map((file) => ({ file, label: choice.value })))));
  });
  return form;

  /** @param {LabelledFile[]} files */
  async function run(files) {
    const own = new AbortController();
    const stopAll = () => own.abort();
    const unguard = guardSending();
    signal.addEventListener("abort", stopAll, { once: true });
    stop.onclick = stopAll;
    working(true);
    try {
      await sender.send(files, own.signal);
      announce(labels.finished(count(sender.sent), count(sender.known), count(sender.failures.length)));
    } catch (error) {
      if (own.signal.aborted) fill(problem, element("p", { className: "verdict review", role: "alert" }, labels.stopped));
      else fill(problem, note(error));
    } finally {
      signal.removeEventListener("abort", stopAll);
      unguard();
      working(false);
      fill(failures, ...describeFailures(sender));
      if (sender.sent > 0) onSent();
    }
  }

  /** @param {boolean} now */
  function working(now) {
    progress.hidden = stop.hidden = !now;
    send.disabled = now;
    for (const { choice } of rows) choice.disabled = now;
    send.textContent = !now && sender.total && sender.done < sender.total ? labels.continue : labels.send;
  }
}

/**
 * @param {Task} task
 * @param {Folder} folder
 * @param {number} index
 */
function classChoice(task, { label }, index) {
  const labels = text.labelledUpload;
  const choice = element(
    "select",
    { id: `labelled-class-${index}` },
    element("option", { value: "" }, labels.undecidedOption),
    ...task.classes.map(({ name }) => element("option", { value: name }, classTitle(task, name))),
    element("option", { value: SKIP }, labels.skip),
  );
  choice.value = label;
  return choice;
}

/** @param {LabelledSender} sender */
function describeFailures({ failures }) {
  if (failures.length === 0) return [];
  const labels = text.labelledUpload;
  const rows = failures.slice(0, LISTED).map(({ file, message }) => element("li", {}, `${file.name}: ${message}`));
  const more = failures.length - rows.length;
  return [
    element("p", {}, labels.unusable(count(failures.length))),
    element("ul", { className: "labelled-failures" }, ...rows, more > 0 && element("li", {}, labels.more(count(more)))),
  ];
}
