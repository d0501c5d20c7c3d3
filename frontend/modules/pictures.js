// @ts-check
/** Small pictures in the rows of the worklist, and the choice of a list or a grid; loaded after everything else. */
import { fetchPreview } from "./api.js";
import { addStyles, element } from "./dom.js";
import { prefer, preference } from "./preferences.js";
import { loadTextsOf, text } from "./text.js";

/** @import { Result } from "./types.js" */
/** @import { Worklist } from "./worklist.js" */

/** Pictures that are loaded at a time; what the user does next must not wait for them. */
const AT_ONCE = 4;
/** Pictures that are kept, of some 10 kB each. */
const MAX_KEPT = 500;
/** How far outside of the list a picture is loaded already. */
const MARGIN = "150px";
const GRID = "grid";

await Promise.all([loadTextsOf("pictures"), addStyles("pictures")]);

export class Pictures {
  /** @param {Worklist} worklist */
  constructor(worklist) {
    this.worklist = worklist;
    /** Addresses of loaded pictures by result, the last used last; "" if there is none. @type {Map<string, string>} */
    this.loaded = new Map();
    /** Results whose rows are in view and have no picture yet, in the order in which they came into view. @type {Set<string>} */
    this.wanted = new Set();
    /** @type {Map<string, AbortController>} */
    this.loading = new Map();
    /** Observed rows, by result. @type {Map<string, HTMLElement>} */
    this.rows = new Map();
    this.observer = new IntersectionObserver((entries) => this.see(entries), { root: worklist.rows.box, rootMargin: MARGIN });
    this.toggle = element("button", { type: "button", className: "link" });
    this.toggle.addEventListener("click", () => this.change());
    worklist.select.before(this.toggle);
    worklist.rows.onPlace = (made) => this.follow(made);
  }

  get grid() {
    return preference("display") === GRID;
  }

  /** Change from list to grid, or back; the row at the top stays in view. */
  change() {
    const { rows } = this.worklist;
    const top = Math.floor(rows.box.scrollTop / rows.height) * rows.columns;
    prefer("display", this.grid ? "list" : GRID);
    this.render();
    rows.box.scrollTop = Math.floor(top / rows.columns) * rows.height;
    this.worklist.render();
  }

  /** The texts and the class of the list. */
  render() {
    this.toggle.textContent = text.pictures.grid;
    this.toggle.ariaPressed = String(this.grid);
    this.worklist.rows.list.classList.toggle(GRID, this.grid);
  }

  /**
   * The picture of a row; empty until it has been loaded.
   * @param {Result} result
   */
  picture({ id, status }) {
    const address = status === "classified" ? this.loaded.get(id) : "";
    const picture = element("img", { className: "thumbnail", alt: "", draggable: false, ...(address && { src: address }) });
    if (address === undefined) picture.dataset.of = id;
    return picture;
  }

  /**
   * Watch which rows are in view.
   * @param {Map<string, HTMLElement>} made
   */
  follow(made) {
    for (const [id, row] of this.rows) {
      if (made.get(id) === row) continue;
      this.observer.unobserve(row);
      this.rows.delete(id);
      if (!made.has(id)) this.cancel(id);
    }
    for (const [id, row] of made) {
      if (this.rows.has(id) || !row.querySelector("[data-of]")) continue;
      this.rows.set(id, row);
      this.observer.observe(row);
    }
  }

  /** @param {IntersectionObserverEntry[]} entries */
  see(entries) {
    for (const { target, isIntersecting } of entries) {
      const id = /** @type {HTMLElement} */ (target).dataset.id ?? "";
      if (!isIntersecting) this.cancel(id);
      else if (!this.loading.has(id)) this.wanted.add(id);
    }
    this.loadNext();
  }

  /** @param {string} id of a result whose row is no longer in view */
  cancel(id) {
    this.wanted.delete(id);
    this.loading.get(id)?.abort();
  }

  loadNext() {
    for (const id of this.wanted) {
      if (this.loading.size >= AT_ONCE) return;
      this.wanted.delete(id);
      this.load(id);
    }
  }

  /** @param {string} id */
  async load(id) {
    const work = new AbortController();
    this.loading.set(id, work);
    try {
      this.keep(id, URL.createObjectURL(await fetchPreview(id, { thumbnail: true, signal: work.signal })));
    } catch {
      // A picture that is missing is not worth a message.
      if (!work.signal.aborted) this.keep(id, "");
    } finally {
      this.loading.delete(id);
      this.loadNext();
    }
  }

  /**
   * @param {string} id
   * @param {string} address of its picture
   */
  keep(id, address) {
    this.loaded.set(id, address);
    const row = this.rows.get(id);
    const shown = /** @type {HTMLImageElement | null | undefined} */ (row?.querySelector("[data-of]"));
    if (shown) {
      if (address) shown.src = address;
      delete shown.dataset.of;
    }
    if (this.loaded.size <= MAX_KEPT) return;
    // Rows in view have been rendered since, and are among the last.
    const [[oldest, unused]] = this.loaded;
    this.loaded.delete(oldest);
    URL.revokeObjectURL(unused);
  }
}
