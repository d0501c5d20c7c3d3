// @ts-check
/** Warns before the page is left with images unsent, and says on return how many there were. */

const KEY = "negatoscope.unfinished";

/** @typedef {{sent: number, unsent: number}} Unfinished how many images had been sent when the page was left, and how many not */

let unsent = 0;
let kept = "";

/** @param {Unfinished} state as it is now */
export function updateUnloadGuard(state) {
  // Numbers only: no names of files.
  const written = JSON.stringify(state);
  if (written === kept) return;
  kept = written;
  if (unsent === 0 && state.unsent > 0) addEventListener("beforeunload", warn);
  if (unsent > 0 && state.unsent === 0) removeEventListener("beforeunload", warn);
  unsent = state.unsent;
  try {
    if (unsent > 0) sessionStorage.setItem(KEY, written);
    else sessionStorage.removeItem(KEY);
  } catch {
    // Nothing is kept: the warning must do.
  }
}

/** @param {BeforeUnloadEvent} event */
function warn(event) {
  event.preventDefault();
}

/**
 * What was left unfinished the last time; told once.
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
