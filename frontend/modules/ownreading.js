// @ts-check
/** The user's own reading of an image, and how it compares with the model's answer and the readings of others. */
import { classText } from "./tasks.js";
import { text } from "./text.js";
import { user } from "./permissions.js";

/** @import { Result, Review, Task } from "./types.js" */

/**
 * Readings that count as what a reader says: neither withdrawn nor adjudications.
 * @param {Review[]} readings
 */
export const standing = (readings) => readings.filter(({ withdrawn, adjudication }) => !withdrawn && !adjudication);

/**
 * The user's last reading that stands.
 * @param {Result} result
 * @returns {Review | null}
 */
export const ownReading = ({ readings = [] }) => standing(readings).findLast(({ reviewer }) => reviewer === user()) ?? null;

/**
 * Whether the user agrees with the model, and with the review if another person made it, as one sentence.
 * @param {Result} result that the user has read
 * @param {Task | undefined} task
 * @returns {(Node | string)[]}
 */
export function compare(result, task) {
  const own = ownReading(result);
  if (!own) return [];
  const { label, review } = result;
  const verdict = (/** @type {{same: string, other: string}} */ words, /** @type {string | null} */ theirs) =>
    [`${own.label === theirs ? words.same : words.other} (`, classText(task, theirs), ")"];
  const others = review && review.reviewer !== own.reviewer ? verdict(text.reading.withReview, review.label) : [];
  return [...verdict(text.reading.withModel, label), ...others, "."];
}
