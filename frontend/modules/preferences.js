// @ts-check
/** What a reader has set, kept in this browser: language, colours, keys. Nothing of images or people. */

const PREFIX = "negatoscope.";

/**
 * @param {string} name
 * @returns {string | null} null where nothing was set, or the browser keeps nothing
 */
export function preference(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
export function prefer(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // A browser that keeps nothing: it holds for this visit.
  }
}
