// @ts-check
/** The reviews that were changed on this page, so that each change can be undone, also from another image. */
import { withdrawReview } from "./api.js";

/** @import { Result, Review } from "./types.js" */

/**
 * @typedef {object} Change
 * @property {string} id of the result
 * @property {Review | null} before
 * @property {Review | null} after
 */

/** The oldest first. @type {Change[]} */
const changes = [];

/**
 * @param {Result} result after the change
 * @param {Review | null} before
 */
export function recordChange({ id, review: after }, before) {
  if (after?.reviewed_at !== before?.reviewed_at) changes.push({ id, before, after });
}

/**
 * The last change of a result that is still in effect.
 * @param {Result} result
 */
export function lastChangeOf({ id, review }) {
  const last = changes.findLast((change) => change.id === id);
  return last && last.after?.reviewed_at === review?.reviewed_at ? last : undefined;
}

/** The last change of all. */
export const lastChange = () => changes.at(-1);

/**
 * Undo a change, unless the review has been changed since.
 * @param {Change} change
 * @returns {Promise<Result>}
 */
export async function revert(change) {
  const result = await withdrawReview(change.id, change.after, change.before);
  forgetChange(change);
  return result;
}

/** @param {Change} change that is undone, or no longer can be */
export function forgetChange(change) {
  changes.splice(changes.indexOf(change), 1);
}
