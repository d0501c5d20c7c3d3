// @ts-check
/** What there is to train on: labelled images and reviews of each class, and what is new since the current model was trained. */
import { datasetAddress } from "./deployment.js";
import { element, fill } from "./dom.js";
import { count, date } from "./format.js";
import { fetchTrainingData } from "./modelapi.js";
import { note } from "./sheet.js";
import { tableBox } from "./table.js";
import { classText, classTitle } from "./tasks.js";
import { text } from "./text.js";

/** @import { Child } from "./dom.js" */
/** @import { TrainingData } from "./modeltypes.js" */
/** @import { Task } from "./types.js" */

export class TrainingDataView {
  /** @param {Task} task */
  constructor(task) {
    this.task = task;
    this.element = element("div");
    /** Null before it has been counted. @type {TrainingData | null} */
    this.data = null;
  }

  async load() {
    if (!this.data) fill(this.element, element("p", { className: "soft" }, text.modelPages.trainingData.counting));
    try {
      this.data = await fetchTrainingData(this.task.name);
      fill(this.element, ...describe(this.task, this.data));
    } catch (error) {
      fill(this.element, note(error, () => this.load()));
    }
  }

  /** Why a retraining cannot start; empty if it can, as far as is known. */
  get obstacle() {
    return this.data && !this.data.enough ? obstacle(this.task, this.data) : "";
  }
}

/**
 * @param {Task} task
 * @param {TrainingData} data
 * @returns {Child[]}
 */
function describe(task, data) {
  const labels = text.modelPages.trainingData;
  const { total, complete, unplaced } = data;
  const number = (/** @type {number} */ value) => (complete ? count(value) : labels.atLeast(count(value)));
  return [
    element("p", {}, labels.total(number(total.images), number(total.reviews))),
    data.enough ? element("p", {}, news(data)) : element("p", { className: "verdict review" }, obstacle(task, data)),
    table(task, data),
    unplaced > 0 && element("p", { className: "small-print" }, labels.unplaced(count(unplaced))),
    !complete && element("p", { className: "small-print" }, labels.incomplete),
    element("p", { className: "small-print" }, labels.meaning, element("code", {}, datasetAddress(task.name))),
  ];
}

/** @param {TrainingData} data */
function news({ total, model, since }) {
  const labels = text.modelPages.trainingData;
  if (!model) return labels.first;
  if (!since) return labels.notTrainedHere;
  if (total.new_images + total.new_reviews === 0) return labels.nothingNew(date(since));
  return labels.news(date(since), count(total.new_images), count(total.new_reviews));
}

/**
 * @param {Task} task
 * @param {TrainingData} data
 */
function obstacle(task, { total, lacking, classes, demand }) {
  const labels = text.modelPages.trainingData;
  if (total.images === 0) return labels.none;
  const short = lacking.map((name) => labels.one(classTitle(task, name), count(classes[name].images + classes[name].reviews)));
  return short.length ? labels.lacking(short.join(", "), count(demand.each_class)) : labels.small(count(demand.largest_class));
}

/**
 * @param {Task} task
 * @param {TrainingData} data
 */
function table(task, { classes, since }) {
  const labels = text.modelPages.trainingData;
  const rows = Object.entries(classes).map(([name, { images, reviews, new_images: newImages, new_reviews: newReviews }]) => [
    [classText(task, name)],
    [count(images)],
    [count(reviews)],
    ...(since ? [[labels.sum(count(newImages), count(newReviews))]] : []),
  ]);
  const head = [labels.class, labels.images, labels.reviews, ...(since ? [labels.new] : [])];
  return element("div", { className: "counts" }, tableBox(head, rows, labels.heading));
}
