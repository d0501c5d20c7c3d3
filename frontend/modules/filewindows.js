// @ts-check
/** The windows that a file states, to choose from. */
import { count } from "./format.js";
import { text } from "./text.js";

/** @import { Window } from "./windowing.js" */
/** @import { NamedWindow } from "./windows.js" */

/**
 * @param {(Window & {name: string | null})[]} windows of a file, the first of which is shown first
 * @returns {NamedWindow[]} none if there is nothing to choose or to tell
 */
export function fileWindows(windows) {
  if (windows.length < 2 && !windows[0]?.name) return [];
  return windows.map(({ name, low, high }, index) => ({
    name: name ? text.picture.windowOfFile(name) : text.picture.nthWindowOfFile(count(index + 1)),
    center: (low + high + 1) / 2,
    width: high - low + 1,
  }));
}
