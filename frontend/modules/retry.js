// @ts-check
/** Trying again what may well succeed a little later, ever more withRetries. */
import { orAborted } from "./abort.js";
import { Problem } from "./api.js";

const MAX_TRIES = 6;
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;

/**
 * Whether a problem may be gone at the next try: the server is busy, or the network down for a moment.
 * @param {unknown} problem
 */
export const isTransient = (problem) =>
  problem instanceof Problem && (problem.status === 429 || problem.status >= 500 || problem.code === "Network");

/**
 * Exponential backoff with jitter: those who were refused together do not come back together.
 * @template Answer
 * @param {() => Promise<Answer>} action
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 * @throws what `action` throws, once it does not pass or has been tried often enough
 */
export async function withRetries(action, signal) {
  for (let tries = 1; ; tries++) {
    try {
      return await action();
    } catch (error) {
      if (signal.aborted || !isTransient(error)) throw error;
      if (!navigator.onLine) {
        // Without a network no number of tries helps. They begin anew when it is back.
        await orAborted(online(), signal);
        tries = 0;
        continue;
      }
      if (tries === MAX_TRIES) throw error;
    }
    const longest = Math.min(FIRST_WAIT_MS * 2 ** (tries - 1), MAX_WAIT_MS);
    await pause(longest * (0.5 + Math.random() / 2), signal);
  }
}

/** Until the browser says that there is a network again. */
const online = () => new Promise((resolve) => addEventListener("online", resolve, { once: true }));

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export async function pause(milliseconds, signal) {
  signal.throwIfAborted();
  let timer = 0;
  const over = new Promise((resolve) => (timer = window.setTimeout(resolve, milliseconds)));
  await orAborted(over, signal).finally(() => clearTimeout(timer));
}
