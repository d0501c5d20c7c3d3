// @ts-check
/** Retries with exponential backoff. */
import { orAborted } from "./abort.js";
import { Problem } from "./api.js";

const MAX_TRIES = 6;
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;

/**
 * Whether a retry can help: the server is busy, or the network was interrupted.
 * @param {unknown} problem
 */
export const isTransient = (problem) =>
  problem instanceof Problem && (problem.status === 429 || problem.status >= 500 || problem.code === "Network");

/**
 * Retry with exponential backoff and jitter, so that clients rejected together do not return together.
 * @template Answer
 * @param {() => Promise<Answer>} action
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 * @throws the error of `action` if it is not transient, or after the last try
 */
export async function withRetries(action, signal) {
  for (let tries = 1; ; tries++) {
    try {
      return await action();
    } catch (error) {
      if (signal.aborted || !isTransient(error)) throw error;
      if (!navigator.onLine) {
        // Without a network, retries are pointless: wait for it, then start counting again.
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

/** Resolves when the browser is online again. */
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
