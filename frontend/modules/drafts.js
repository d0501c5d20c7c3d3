// @ts-check
/** What was typed but not saved: it survives another language and another view, and the page warns before it is left. */
import { guardSending } from "./unloadguard.js";

/** By what they belong to. @type {Map<string, string>} */
const drafts = new Map();

/** Ends the warning. */
let release = () => {};

/** @param {string} key */
export const draftOf = (key) => drafts.get(key);

/**
 * @param {string} key
 * @param {string | null} words null if there is nothing to save
 */
export function keepDraft(key, words) {
  if (words === null) drafts.delete(key);
  else drafts.set(key, words);
  release();
  release = drafts.size ? guardSending() : () => {};
}

/**
 * Keep what is typed into a field that is empty at first.
 * @param {HTMLInputElement | HTMLTextAreaElement} field
 * @param {string} key
 */
export function keepTyped(field, key) {
  field.value = draftOf(key) ?? "";
  field.addEventListener("input", () => keepDraft(key, field.value || null));
}
