// @ts-check
/** The empty light box: how to add an image, and where to get one. */
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
  const labels = text.lightBox;
  if (!hasRole("reviewer") && !onDevice) return describeReadOnly();
  const link = element("a", { href: labels.whereUrl, rel: "noreferrer", target: "_blank" }, labels.whereLink);
  return [
    element("h3", {}, labels.emptyHeading),
    element("p", {}, labels.empty),
    element(
      "div",
      { className: "choices" },
      element("button", { type: "button", className: "primary", "data-choose": "files", "aria-keyshortcuts": "o" }, labels.choose),
      element("button", { type: "button", className: "secondary folder-button", "data-choose": "folder" }, labels.chooseFolder),
      element("button", { type: "button", className: "secondary camera-button", "data-choose": "camera" }, labels.camera),
    ),
    element("p", { className: "small-print" }, onDevice ? labels.formatsOnDevice : labels.formats),
    element(
      "details",
      {},
      element("summary", {}, labels.where),
      element("p", {}, `${labels.whereAnswer(modalityTitle(task.modality))} `, link, "."),
    ),
    element("p", { className: "small-print" }, onDevice ? labels.privacyOnDevice : labels.privacy),
  ];
}

/** For users who may not upload. */
const describeReadOnly = () => [
  element("h3", {}, text.lightBox.readOnlyHeading),
  element("p", {}, text.lightBox.readOnly),
  element("p", { className: "small-print" }, text.login.readOnly),
];
