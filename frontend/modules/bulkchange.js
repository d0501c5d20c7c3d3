// @ts-check
/** One change of many results, a few of them at a time. */
import { Problem } from "./api.js";

/** Enough to hide the way to the server, and few enough for others to use it as well. */
const AT_ONCE = 4;

/** Codes of errors which say that somebody else was faster. */
const OVERTAKEN = ["ReviewChanged", "NotClassified", "UnknownResult"];

/**
 * @template Item
 * @typedef {object} Outcome
 * @property {Item[]} done
 * @property {Item[]} overtaken what somebody else has changed meanwhile
 * @property {Item[]} failed
 * @property {Problem | null} problem the last one
 */

/**
 * @template Item
 * @param {Item[]} items
 * @param {(item: Item) => Promise<void>} act
 * @param {object} [control]
 * @param {AbortSignal} [control.signal] ends the work after the items in progress
 * @param {(finished: number) => void} [control.onProgress]
 * @returns {Promise<Outcome<Item>>}
 */
export async function changeAll(items, act, { signal, onProgress = () => {} } = {}) {
  /** @type {Outcome<Item>} */
  const outcome = { done: [], overtaken: [], failed: [], problem: null };
  const left = [...items];
  let finished = 0;
  const work = async () => {
    for (let item = left.shift(); item !== undefined && !signal?.aborted; item = left.shift()) {
      try {
        await act(item);
        outcome.done.push(item);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (OVERTAKEN.includes(error.code)) outcome.overtaken.push(item);
        else outcome.failed.push(item);
        outcome.problem = error;
      }
      onProgress(++finished);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return outcome;
}
