// @ts-check
/** Abortable waiting. */

/**
 * Wait for a promise, or until `signal` is aborted.
 * @template Answer
 * @param {Promise<Answer>} promise
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export async function orAborted(promise, signal) {
  let stop = () => {};
  const aborted = new Promise((_resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  if (signal.aborted) stop();
  // A signal may outlive thousands of waits: remove the listener, or they would accumulate.
  return Promise.race([/** @type {Promise<never>} */ (aborted), promise]).finally(() => signal.removeEventListener("abort", stop));
}
