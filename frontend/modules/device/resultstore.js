// @ts-check
/** Results computed on this device. They exist in this tab only, as long as it is open; images are not stored. */

/** @import { Answer } from "./classifier.js" */

const KEY = "negatoscope.device";

/** Fits into the session storage of a tab (5 MB). */
const MAX_RESULTS = 500;

export class ResultStore {
  constructor() {
    /** Newest first. @type {Answer[]} */
    this.answers = recall();
  }

  /**
   * @param {string} id
   * @returns {Answer | undefined}
   */
  find(id) {
    return this.answers.find(({ result }) => result.id === id);
  }

  /** @param {Answer} answer */
  add(answer) {
    this.answers = [answer, ...this.answers].slice(0, MAX_RESULTS);
    this.save();
  }

  clear() {
    this.answers = [];
    this.save();
  }

  save() {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.answers.map(({ result, heatMaps }) => ({ result, heatMaps }))));
    } catch {
      // Storage is full or disabled: results last until the page is left.
    }
  }
}

/** @returns {Answer[]} */
function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
  } catch {
    return [];
  }
}
