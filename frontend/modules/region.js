// @ts-check
/** A part of a view that is kept up to date: it changes only with what it shows, so that focus and what was typed stay. */
import { element, fill } from "./dom.js";

/** @import { Child } from "./dom.js" */

export class Region {
  /** @param {HTMLElement} [box] */
  constructor(box = element("div")) {
    this.element = box;
    this.shown = "";
  }

  /**
   * @param {unknown} data what it shows, as JSON takes it
   * @param {() => Child[]} make
   */
  show(data, make) {
    const key = JSON.stringify(data);
    if (key === this.shown) return;
    this.shown = key;
    fill(this.element, ...make());
  }
}
