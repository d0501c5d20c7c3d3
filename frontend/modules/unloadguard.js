// @ts-check
/** Warns before the page is left while something is not sent or saved yet, and reports on the next visit how many images there were. */

const KEY = "negatoscope.unfinished";

/** @typedef {{sent: number, unsent: number}} Unfinished images that were uploaded when the page was left, and that were not */

/** Images of the upload queue that are still to be sent. */
let queued = 0;
/** What would be lost outside the queue: images and reviews that are being sent, texts that are being written. */
let single = 0;
/** What session storage holds, so that the same is not written again. */
let stored = "";

/** @param {Unfinished} state of the upload queue now */
export function updateUnloadGuard(state) {
  // Numbers only: no file names.
  const json = JSON.stringify(state);
  if (json === stored) return;
  stored = json;
  queued = state.unsent;
  listen();
  try {
    if (queued > 0) sessionStorage.setItem(KEY, json);
    else sessionStorage.removeItem(KEY);
  } catch {
    // Without storage there is the warning only.
  }
}

/**
 * Warn as long as something outside the queue would be lost.
 * @returns {() => void} ends it; may be called more than once
 */
export function guardSending() {
  let lasts = true;
  single++;
  listen();
  return () => {
    if (lasts) single--;
    lasts = false;
    listen();
  };
}

/** A listener keeps the page out of the back/forward cache, so there is one only while something would be lost. */
function listen() {
  if (queued + single > 0) addEventListener("beforeunload", warn);
  else removeEventListener("beforeunload", warn);
}

/** @param {BeforeUnloadEvent} event */
function warn(event) {
  event.preventDefault();
}

/**
 * What was left unfinished on the last visit; reported once.
 * @returns {Unfinished | null}
 */
export function takeUnfinished() {
  try {
    const found = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    return found ? JSON.parse(found) : null;
  } catch {
    return null;
  }
}
