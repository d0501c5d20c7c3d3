// @ts-check
/** The empty light box: how to add an image, and where to get one. */
import { element } from "./dom.js";
import { pressedBy } from "./keys.js";
import { hasRole } from "./permissions.js";
import { exampleAddress, navigate } from "./router.js";
import { modalityTitle } from "./tasks.js";
import { text } from "./text.js";

/** @import { Task } from "./types.js" */

/** Tasks that have an image in examples/. */
const EXAMPLES = ["breast-histology", "breast-ultrasound", "chest-xray", "mammography-views", "retinal-oct", "retinal-oct-2017"];

/**
 * @param {Task} task
 * @param {boolean} onDevice whether images stay in this browser
 * @returns {Node[]}
 */
export function describeEmptyState(task, onDevice) {
  const labels = text.lightBox;
  if (!hasRole("reviewer") && !onDevice) return describeReadOnly();
  const link = element("a", { href: labels.whereUrl, rel: "noreferrer", target: "_blank", lang: "en" }, labels.whereLink);
  return [
    element("h3", {}, labels.emptyHeading),
    element("p", {}, labels.empty),
    element(
      "div",
      { className: "choices" },
      element("button", { type: "button", className: "primary", "data-choose": "files", ...pressedBy("o") }, labels.choose),
      element("button", { type: "button", className: "secondary folder-button", "data-choose": "folder" }, labels.chooseFolder),
      element("button", { type: "button", className: "secondary camera-button", "data-choose": "camera" }, labels.camera),
      EXAMPLES.includes(task.name) && exampleButton(task),
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

/** @param {Task} task */
const exampleButton = ({ name }) =>
  element("button", { type: "button", className: "secondary", onclick: () => navigate(exampleAddress(name)) }, text.lightBox.example);

/** For users who may not upload. */
const describeReadOnly = () => [
  element("h3", {}, text.lightBox.readOnlyHeading),
  element("p", {}, text.lightBox.readOnly),
  element("p", { className: "small-print" }, text.login.readOnly),
];
