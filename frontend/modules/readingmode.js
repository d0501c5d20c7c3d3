// @ts-check
/** How the user reads: blind, which hides the answer and other readings of an image until the own one is saved; as second reader. */
import { prefer, preference } from "./preferences.js";

/** @import { Result } from "./types.js" */

const ON = "on";

/** Whether each mode is chosen. */
const modes = { blind: preference("blind") === ON, second: preference("second") === ON };

/** The user, if allowed to read. */
let reader = "";

/** @param {string} user its id; empty if not allowed to read */
export const setReader = (user) => (reader = user);

/** @param {keyof typeof modes} mode */
export const reads = (mode) => reader !== "" && modes[mode];

/**
 * @param {keyof typeof modes} mode
 * @param {boolean} on
 */
export function setMode(mode, on) {
  modes[mode] = on;
  prefer(mode, on ? ON : "off");
}

/**
 * A result without what its reader must not see yet. Every result passes here as it arrives, so that no part of the page can show more.
 * @param {Result} result
 * @returns {Result}
 */
export function blinded(result) {
  if (!reads("blind") || result.status !== "classified" || result.arrival === "device" || result.readers.includes(reader)) return result;
  return {
    ...result,
    concealed: true,
    label: null,
    probability: null,
    // The classes are no secret.
    probabilities: Object.fromEntries(Object.keys(result.probabilities).map((name) => [name, 0])),
    needs_review: false,
    reasons: [],
    heatmap: undefined,
    distance: null,
    review: null,
    readers: [],
    disagreement: false,
    readings: [],
  };
}
