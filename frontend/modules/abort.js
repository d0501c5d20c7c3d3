// @ts-check
/** Waiting that can be called off. */

/**
 * Wait for something, but no longer than until `signal` is aborted.
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
  // A signal may outlive thousands of waits, none of which must stay in its list of listeners.
  return Promise.race([/** @type {Promise<never>} */ (aborted), promise]).finally(() => signal.removeEventListener("abort", stop));
}
