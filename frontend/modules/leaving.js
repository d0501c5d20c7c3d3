// @ts-check
/** Nothing is left behind unnoticed: warns before the page is left with images unsent, and says on return what became of them. */

const KEY = "negatoscope.unfinished";

/** @typedef {{sent: number, unsent: number}} Unfinished how many images had been sent when the page was left, and how many not */

let unsent = 0;

/** @param {Unfinished} state as it is now */
export function keepTrack(state) {
  if (unsent === 0 && state.unsent > 0) addEventListener("beforeunload", warn);
  if (unsent > 0 && state.unsent === 0) removeEventListener("beforeunload", warn);
  unsent = state.unsent;
  try {
    // Numbers only: no names of files.
    if (unsent > 0) sessionStorage.setItem(KEY, JSON.stringify(state));
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
export function unfinished() {
  try {
    const found = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    return found ? JSON.parse(found) : null;
  } catch {
    return null;
  }
}
