// @ts-check
/** A part of a view that is rendered again only if its data changes, so that focus and typed text are kept. */
import { element, fill } from "./dom.js";

/** @import { Child } from "./dom.js" */

export class KeyedView {
  /** @param {HTMLElement} [box] */
  constructor(box = element("div")) {
    this.element = box;
    this.shown = "";
  }

  /**
   * @param {unknown} data serialisable data that determines the content
   * @param {() => Child[]} make
   */
  show(data, make) {
    const key = JSON.stringify(data);
    if (key === this.shown) return;
    this.shown = key;
    fill(this.element, ...make());
  }
}
