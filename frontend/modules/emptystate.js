// @ts-check
/** What an empty light box says: how to put an image on it, and where to get one. */
import { element } from "./dom.js";
import { hasRole } from "./permissions.js";
import { modalityTitle } from "./tasks.js";
import { text } from "./text.js";

/** @import { Task } from "./types.js" */

/**
 * @param {Task} task
 * @param {boolean} onDevice whether images stay in this browser
 * @returns {Node[]}
 */
export function describeEmptyState(task, onDevice) {
  const words = text.lightBox;
  if (!hasRole("reviewer") && !onDevice) return describeReading();
  const link = element("a", { href: words.whereUrl, rel: "noreferrer", target: "_blank" }, words.whereLink);
  return [
    element("h3", {}, words.emptyHeading),
    element("p", {}, words.empty),
    element(
      "div",
      { className: "choices" },
      element("button", { type: "button", className: "primary", "data-choose": "files", "aria-keyshortcuts": "o" }, words.choose),
      element("button", { type: "button", className: "secondary folder-button", "data-choose": "folder" }, words.chooseFolder),
      element("button", { type: "button", className: "secondary camera-button", "data-choose": "camera" }, words.camera),
    ),
    element("p", { className: "small-print" }, onDevice ? words.formatsOnDevice : words.formats),
    element(
      "details",
      {},
      element("summary", {}, words.where),
      element("p", {}, `${words.whereAnswer(modalityTitle(task.modality))} `, link, "."),
    ),
    element("p", { className: "small-print" }, onDevice ? words.privacyOnDevice : words.privacy),
  ];
}

/** For whoever may send nothing. */
const describeReading = () => [
  element("h3", {}, text.lightBox.readOnlyHeading),
  element("p", {}, text.lightBox.readOnly),
  element("p", { className: "small-print" }, text.login.readOnly),
];
