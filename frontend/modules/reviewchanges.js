// @ts-check
/** The reviews that were changed on this page, so that each change can be undone, also from another image. */
import { notify } from "./announcer.js";
import { Problem, withdrawReading, withdrawReview } from "./api.js";
import { standing } from "./ownreading.js";
import { isTransient } from "./retry.js";
import { resultAddress, deferredNavigation } from "./router.js";
import { text } from "./text.js";

/** @import { Review as ReviewForm } from "./review.js" */
/** @import { Result, Review } from "./types.js" */

/**
 * @typedef {object} Change
 * @property {string} id of the result
 * @property {Review | null} before
 * @property {Review | null} after
 * @property {Review} [reading] that was added beside the review
 * @property {() => Promise<void>} [undoAll] undoes all changes that were made together
 */

/** The oldest first. @type {Change[]} */
const changes = [];

/**
 * @param {Result} result after the change
 * @param {Review | null} before
 * @param {() => Promise<void>} [undoAll]
 */
export function recordChange({ id, review: after }, before, undoAll) {
  if (after?.reviewed_at !== before?.reviewed_at) changes.push({ id, before, after, undoAll });
}

/**
 * @param {Result} result after a reading was added beside its review
 * @param {Review} reading
 */
export function recordReading({ id, review }, reading) {
  changes.push({ id, before: review, after: review, reading });
}

/**
 * The last change of a result that is still in effect.
 * @param {Result} result
 */
export function lastChangeOf({ id, review, readings = [] }) {
  const last = changes.findLast((change) => change.id === id);
  if (!last) return undefined;
  const { after, reading } = last;
  const holds = reading ? standing(readings).some((one) => isSame(one, reading)) : isSame(after, review);
  return holds ? last : undefined;
}

/**
 * @param {Review | null} one
 * @param {Review | null} other
 */
const isSame = (one, other) => one?.reviewed_at === other?.reviewed_at;

/**
 * Undo a change, unless the review has been changed since.
 * @param {Change} change
 * @returns {Promise<Result>}
 */
export async function revert(change) {
  const { id, before, after, reading } = change;
  const result = await (reading ? withdrawReading(id, reading) : withdrawReview(id, after, before));
  forgetChange(change);
  return result;
}

/** @param {Change} change that is undone, or no longer can be */
export function forgetChange(change) {
  const place = changes.indexOf(change);
  if (place >= 0) changes.splice(place, 1);
}

/** The undo that was asked for last. */
let undoing = Promise.resolve();

/**
 * Undo the last change of the open result's review, or else the last change of all, whose image is then opened; after an undo in
 * progress, which would undo the same.
 * @param {ReviewForm | null} open the review form of the open result
 * @param {(changed: Result) => void} onChange
 */
export function undoLast(open, onChange) {
  const undone = undoing.then(() => undoNow(open, onChange));
  undoing = undone.catch(() => {});
  return undone;
}

/**
 * @param {ReviewForm | null} open
 * @param {(changed: Result) => void} onChange
 */
async function undoNow(open, onChange) {
  const change = changes.at(-1);
  if (!change || open?.unsaved || open?.canUndo) {
    await open?.undo();
    return;
  }
  if (change.undoAll) return change.undoAll();
  const proceed = deferredNavigation();
  try {
    onChange(await revert(change));
    notify(text.review.undone);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (!isTransient(error)) forgetChange(change);
    notify(`${text.review.notUndone} ${error.message}`, { failed: true });
  }
  proceed(resultAddress(change.id));
}
