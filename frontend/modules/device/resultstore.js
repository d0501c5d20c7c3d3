// @ts-check
/** Results computed here. They live as long as this tab, and in no other place; of the images nothing is kept. */

/** @import { Answer } from "./classifier.js" */

const KEY = "negatoscope.device";

/** As many as fit into what a browser keeps for a tab (5 MB). */
const MOST = 500;

export class ResultStore {
  constructor() {
    /** The newest first. @type {Answer[]} */
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
    this.answers = [answer, ...this.answers].slice(0, MOST);
    this.note();
  }

  clear() {
    this.answers = [];
    this.note();
  }

  note() {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.answers.map(({ result, heatMaps }) => ({ result, heatMaps }))));
    } catch {
      // Full, or nothing is kept: they stay until the page is left.
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
