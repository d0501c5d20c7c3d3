// @ts-check
/** Trying again what may well succeed a little later, ever more patiently. */
import { Problem } from "./api.js";

const MOST_TRIES = 6;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/**
 * Whether a problem may be gone at the next try: the server is busy, or the network down for a moment.
 * @param {unknown} problem
 */
export const passes = (problem) =>
  problem instanceof Problem && (problem.status === 429 || problem.status >= 500 || problem.code === "Network");

/**
 * Exponential backoff with jitter: those who were refused together do not come back together.
 * @template Answer
 * @param {() => Promise<Answer>} action
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 * @throws what `action` throws, once it does not pass or has been tried often enough
 */
export async function patiently(action, signal) {
  for (let tries = 1; ; tries++) {
    try {
      return await action();
    } catch (error) {
      if (signal.aborted || tries === MOST_TRIES || !passes(error)) throw error;
    }
    const longest = Math.min(FIRST_WAIT_MS * 2 ** (tries - 1), LONGEST_WAIT_MS);
    await pause(longest * (0.5 + Math.random() / 2), signal);
  }
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
