// @ts-check
/** How many answers a probability leaves without a review, and how many of those are right: in a model's test, and by reviews. */
import { proportion } from "./proportions.js";

/** @import { ModelFacts, Proportion, ReviewStatistics } from "./modeltypes.js" */

/** Bins of the reliability table in model.json, which leaves out empty ones. */
const FIFTEENTHS = 15;
const HUNDREDTHS = 100;

/**
 * What a probability, given in percent, leaves without a review.
 * @typedef {object} Left
 * @property {Proportion} coverage answers of at least this probability
 * @property {Proportion} accuracy right ones among them
 */

/**
 * In the test of a model. Within a bin of its reliability table, images count as evenly spread.
 * @param {ModelFacts} facts
 * @returns {((percent: number) => Left) | null} null if model.json has no such table
 */
export function tested({ curves }) {
  const table = curves?.reliability?.after;
  if (!table) return null;
  const bins = table.images.map((images, index) => ({
    bin: Math.min(Math.floor(table.confidence[index] * FIFTEENTHS), FIFTEENTHS - 1),
    images,
    right: Math.round(images * table.accuracy[index]),
  }));
  const all = sum(table.images);
  return (percent) => {
    const from = (percent / 100) * FIFTEENTHS;
    const shares = bins.map(({ bin, images, right }) => [Math.min(1, Math.max(0, bin + 1 - from)), images, right]);
    const images = sum(shares.map(([share, number]) => share * number));
    return { coverage: proportion(images, all), accuracy: proportion(sum(shares.map(([share, , right]) => share * right)), images) };
  };
}

/**
 * By the reviews. All answers tell how many are left, and the reviewed ones among them how many are right.
 * @param {ReviewStatistics} statistics
 * @returns {(percent: number) => Left}
 */
export function reviewed({ probabilities: { answers, reviewed: seen, agreed } }) {
  const all = sum(answers);
  return (percent) => {
    const left = (/** @type {number[]} */ counts) => sum(counts.slice(Math.min(percent, HUNDREDTHS)));
    return { coverage: proportion(left(answers), all), accuracy: proportion(left(agreed), left(seen)) };
  };
}

/** @param {number[]} numbers */
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
