// @ts-check
/** A list of the server's that is read page by page, newest first, and kept up to date. */
import { element, fill } from "./dom.js";
import { KeyedView } from "./keyedview.js";
import { note } from "./sheet.js";
import { text } from "./text.js";

/** @import { Child } from "./dom.js" */

/**
 * @template Item
 * @typedef {object} Listing
 * @property {string} none said of an empty list
 * @property {(cursor: string | null) => Promise<{items: Item[], cursor: string | null}>} read a page
 * @property {(item: Item) => Child[]} describe the content of a row
 */

/** Rows keep their position while they change. @template {{name: string}} Item */
export class PagedList {
  /** @param {Listing<Item>} listing */
  constructor(listing) {
    this.listing = listing;
    this.status = element("p", { className: "soft" });
    this.rows = element("ol", { className: "paged-list" });
    this.more = element("button", { type: "button", className: "quiet", hidden: true }, text.worklist.more);
    this.more.addEventListener("click", () => this.readOn());
    /** @type {Map<string, KeyedView>} by name */
    this.known = new Map();
    /** Cursor of the next page. @type {string | null} */
    this.cursor = null;
  }

  async refresh() {
    const { items, cursor } = await this.listing.read(null);
    if (this.known.size === 0) this.cursor = cursor;
    // Oldest first, each before the existing rows.
    for (const item of [...items].reverse()) this.put(item, (row) => this.rows.prepend(row));
    this.status.textContent = this.known.size ? "" : this.listing.none;
    this.more.hidden = this.cursor === null;
  }

  async readOn() {
    try {
      const { items, cursor } = await this.listing.read(this.cursor);
      this.cursor = cursor;
      for (const item of items) this.put(item, (row) => this.rows.append(row));
      this.more.hidden = cursor === null;
    } catch (error) {
      fill(this.status, note(error));
    }
  }

  /**
   * @param {Item} item
   * @param {(row: HTMLElement) => void} insert adds a new row
   */
  put(item, insert) {
    let view = this.known.get(item.name);
    if (!view) {
      view = new KeyedView(element("li"));
      this.known.set(item.name, view);
      insert(view.element);
    }
    view.show(item, () => this.listing.describe(item));
  }
}
