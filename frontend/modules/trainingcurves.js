// @ts-check
/** Training curves by epoch: one line for each network, and the current model's value beside them. */
import { element } from "./dom.js";
import { count, metric } from "./format.js";
import { legend, lineChart } from "./linechart.js";
import { fetchFacts, fetchRetrainingFile } from "./modelapi.js";
import { tableBox } from "./table.js";
import { text } from "./text.js";

/** @import { Child } from "./dom.js" */
/** @import { Line } from "./linechart.js" */
/** @import { Epoch, FollowedRetraining } from "./modeltypes.js" */

/** Files with the epochs of one network; the number is its seed. */
const EPOCHS = /^epochs-(\d+)\.json$/;

/** @typedef {{seed: string, epochs: Epoch[]}} Network */

export class TrainingCurves {
  constructor() {
    /** @type {Network[]} */
    this.networks = [];
    /** Of the current model on its validation images; null if it is not known. @type {number | null} */
    this.current = null;
    this.asked = false;
    this.known = "";
  }

  /**
   * Read what is new.
   * @param {FollowedRetraining} retraining
   * @returns {Promise<void>}
   */
  async read({ name, task, current, files, metrics, status }) {
    const seeds = files.flatMap((file) => EPOCHS.exec(file)?.[1] ?? []).sort((a, b) => Number(a) - Number(b));
    // With every epoch, the metrics change.
    const state = JSON.stringify([seeds, metrics, status]);
    if (state === this.known || seeds.length === 0) return;
    if (!this.asked && current) {
      this.asked = true;
      this.current = await currentValue(task, current);
    }
    const networks = await Promise.all(seeds.map(async (seed) => this.complete(seed, seeds) ?? { seed, epochs: await epochsOf(name, seed) }));
    this.networks = networks.filter(({ epochs }) => epochs.length > 0);
    this.known = state;
  }

  /**
   * A network that was read before and will not change: all but the last two are trained.
   * @param {string} seed
   * @param {string[]} seeds
   */
  complete(seed, seeds) {
    const over = seeds.indexOf(seed) < seeds.length - 2;
    return over ? this.networks.find((network) => network.seed === seed) : undefined;
  }

  /** @returns {Child[]} */
  describe() {
    const labels = text.modelPages.curves;
    const { networks, current } = this;
    if (networks.length === 0) return [];
    const threshold = current === null ? undefined : { y: current, text: labels.current(metric(current)) };
    const scores = networks.map(({ seed, epochs }) => line(this.lineName(seed), epochs, "validation_balanced_accuracy"));
    const losses = networks.map(({ seed, epochs }) => line(this.lineName(seed), epochs, "validation_loss"));
    // Those of several networks would hide each other.
    if (networks.length === 1) losses[0].name = labels.validation;
    if (networks.length === 1) losses.push(line(labels.training, networks[0].epochs, "train_loss"));
    return [
      element("h3", {}, labels.heading),
      element("div", { className: "curves" }, chart(scores, labels.scores, threshold), chart(losses, labels.losses)),
      this.table(),
      current !== null && element("p", { className: "small-print" }, labels.caution),
    ];
  }

  table() {
    const labels = text.modelPages.curves;
    const rows = this.networks.map(({ seed, epochs }) => {
      const best = epochs.reduce((found, epoch) => (epoch.validation_loss < found.validation_loss ? epoch : found));
      return [
        [labels.network(seed)],
        [count(epochs.length)],
        [count(best.number)],
        [metric(best.validation_balanced_accuracy)],
        [metric(best.validation_loss)],
        [metric(epochs[epochs.length - 1].train_loss)],
      ];
    });
    return tableBox(labels.columns, rows, labels.heading);
  }

  /** @param {string} seed */
  lineName(seed) {
    return text.modelPages.curves.network(seed);
  }
}

/**
 * @param {string} task
 * @param {string} version
 */
async function currentValue(task, version) {
  try {
    return (await fetchFacts(task, version)).metrics.validation?.balanced_accuracy?.value ?? null;
  } catch {
    // It may have been deleted; the curves are worth showing without it.
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} seed
 * @returns {Promise<Epoch[]>} none if the file is being written
 */
async function epochsOf(name, seed) {
  try {
    return JSON.parse(await fetchRetrainingFile(name, `epochs-${seed}.json`));
  } catch {
    return [];
  }
}

/**
 * @param {string} name
 * @param {Epoch[]} epochs
 * @param {Exclude<keyof Epoch, "number">} value
 * @returns {Line}
 */
const line = (name, epochs, value) => ({ name, points: epochs.map((epoch) => ({ x: epoch.number, y: epoch[value] })) });

/**
 * @param {Line[]} lines
 * @param {string} label
 * @param {{y: number, text: string}} [threshold]
 */
function chart(lines, label, threshold) {
  const shown = { lines, label, formatX: text.modelPages.curves.epoch, formatY: metric, threshold };
  return element("figure", { className: "chart-box" }, element("figcaption", {}, label), lineChart(shown), legend(shown));
}
