// @ts-check
/** The example image of a task: classified like any other, but neither it nor its result is stored. Loaded on first use. */
import { announce } from "./announcer.js";
import { Problem, classify, orNetworkProblem } from "./api.js";
import { element } from "./dom.js";
import { percent } from "./format.js";
import { offerHints } from "./openresult.js";
import { pictureOfFile } from "./picture.js";
import { describeResult } from "./result.js";
import { taskAddress } from "./router.js";
import { classText, classTitle, taskText } from "./tasks.js";
import { loadTextsOf, text } from "./text.js";

/** @import { Task } from "./types.js" */
/** @import { Viewer } from "./viewer.js" */

await loadTextsOf("example");

const LICENCE = { name: "CC BY 4.0", address: "https://creativecommons.org/licenses/by/4.0/" };

/** Where the images of patients come from, by task; all others were drawn. @type {Record<string, {name: string, address: string}>} */
const SOURCES = {
  "chest-xray": { name: "Kermany et al., Cell 2018", address: "https://doi.org/10.17632/rscbjbr9sj" },
  "retinal-oct": { name: "OCTDL, Kulyabin et al., Scientific Data 2024", address: "https://doi.org/10.17632/sncdhf53xc" },
  "retinal-oct-2017": { name: "OCT2017, Kermany et al., Cell 2018", address: "https://doi.org/10.17632/rscbjbr9sj" },
};

/**
 * Classify and show the example of a task in a view that has just begun.
 * @param {Task} task
 * @param {Viewer} viewer
 * @param {AbortController} view
 */
export async function showExample(task, viewer, view) {
  const { lightBox, panel } = viewer;
  panel.show(taskText(task), text.lightBox.classifying);
  panel.focus();
  lightBox.clear();
  viewer.working(text.lightBox.opening, view);
  const file = await fetchExample(task.name, view.signal);
  if (viewer.view !== view) return;
  if (viewer.device.on) {
    // It stays in this browser like any other.
    await viewer.read(file);
    return;
  }
  await lightBox.load();
  const picture = await pictureOfFile(file);
  if (viewer.view !== view) return;
  if (picture) lightBox.show(picture, task);
  viewer.working(text.lightBox.classifying, view);
  const sent = performance.now();
  const result = await classify(task.name, file, file.type, view.signal, { store: false });
  if (viewer.view !== view) return;
  const took = performance.now() - sent;
  const { label, heatmap: heatMap } = result;
  const title = classTitle(task, label);
  // The server has kept nothing from which it could make other heat maps.
  const others = { fetch: () => Promise.reject(new Problem(text.imageTools.heatMap.unavailable)), prepared: async () => null };
  lightBox.explain({ title, label, heatMap, classes: [{ name: label ?? "", title }], source: null, ...others }, false);
  panel.show(taskText(task), classText(task, label), ...describeResult(result, task, took, describeExample(task)));
  announce(text.result.announce(title, percent(result.probability ?? 0), result.needs_review));
  offerHints();
  viewer.complete();
}

/**
 * @param {string} task
 * @param {AbortSignal} signal
 * @returns {Promise<File>} named "Example" in the language of the page
 */
async function fetchExample(task, signal) {
  const response = await orNetworkProblem(() => fetch(`/examples/${encodeURIComponent(task)}.jpg`, { signal }), signal);
  if (!response.ok) throw new Problem(text.problem.notFound, { status: response.status });
  return new File([await orNetworkProblem(() => response.blob(), signal)], text.example.name, { type: "image/jpeg" });
}

/**
 * What the example is, in place of a review.
 * @param {Task} task
 */
function describeExample({ name }) {
  const labels = text.example;
  const source = SOURCES[name];
  const origin = source ? [`${labels.from} `, link(source), ", ", link(LICENCE), `, ${labels.resized}`] : [labels.drawn];
  return element(
    "section",
    { className: "device-note" },
    element("h3", {}, labels.heading),
    element("p", {}, ...origin),
    element("p", {}, labels.unstored),
    element("p", {}, element("a", { href: taskAddress(name) }, labels.own)),
  );
}

/** @param {{name: string, address: string}} of */
const link = ({ name, address }) => element("a", { href: address, rel: "noreferrer", target: "_blank" }, name);
