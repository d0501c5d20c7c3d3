// @ts-check
/** User preferences stored in this browser: language, theme, shortcuts. Nothing about images or people. */

const PREFIX = "negatoscope.";

/** The name of the preference that is set when the hints have been shown. */
export const HINTS_SEEN = "hints-seen";

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
    // Storage is disabled: the setting lasts for this visit.
  }
}

/**
 * Follow a preference that other tabs set, too.
 * @param {string} name
 * @param {() => void} act
 */
export function onPreferenceChange(name, act) {
  addEventListener("storage", ({ key }) => key === PREFIX + name && act());
}
