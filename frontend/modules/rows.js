// @ts-check
/** A virtual list: only the visible rows are in the page. All rows have the same height. */

/** Extra rows beyond both edges, so that scrolling shows no gaps. */
const SPARE = 6;

/**
 * @template Item
 */
export class Rows {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.box the scrolling element
   * @param {HTMLElement} parts.list holds the rows; its custom property --row is their height in rem
   * @param {(item: Item) => HTMLElement} parts.make
   * @param {(item: Item) => string} parts.key
   * @param {() => void} [parts.onEnd] called when the last rows are visible
   */
  constructor({ box, list, make, key, onEnd = () => {} }) {
    this.box = box;
    this.list = list;
    this.make = make;
    this.key = key;
    this.onEnd = onEnd;
    /** @type {Item[]} */
    this.items = [];
    /** Whether there may be more items. */
    this.open = false;
    /** @type {Map<string, HTMLElement>} rows in the page, by key */
    this.made = new Map();
    /** The row on which a button or finger is held down. @type {Element | null} */
    this.pressed = null;
    box.addEventListener("scroll", () => this.render());
    new ResizeObserver(() => this.render()).observe(box);
    list.addEventListener("keydown", (event) => this.press(event));
    list.addEventListener("pointerdown", ({ target }) => (this.pressed = target instanceof Element ? target.closest("li") : null));
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => this.release());
  }

  /** Update the row that was held down, after the click on it. */
  release() {
    if (!this.pressed) return;
    setTimeout(() => {
      this.pressed = null;
      this.render();
    });
  }

  /**
   * @param {Item[]} items
   * @param {boolean} open whether there may be more items
   */
  show(items, open) {
    this.items = items;
    this.open = open;
    this.render();
  }

  /** Pixels. */
  get height() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return rem * (parseFloat(getComputedStyle(this.list).getPropertyValue("--row")) || 3);
  }

  /** Update the visible rows; unchanged ones are kept, since one may have the focus. */
  render() {
    const { height, items } = this;
    this.list.style.blockSize = `${items.length * height}px`;
    const first = Math.max(0, Math.floor(this.box.scrollTop / height) - SPARE);
    const last = Math.min(items.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / height) + SPARE);
    const focused = this.focusedIndex();
    const indices = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset);
    // Keep the row with the focus, even if it is scrolled out of view.
    if (focused >= 0 && focused < first) indices.unshift(focused);
    if (focused >= last) indices.push(focused);
    this.place(indices, height);
    if (last >= items.length - SPARE && this.open && this.box.clientHeight > 0) this.onEnd();
  }

  /**
   * @param {number[]} indices
   * @param {number} height
   */
  place(indices, height) {
    const wanted = new Map(indices.map((index) => [this.key(this.items[index]), index]));
    for (const [key, row] of this.made) {
      if (wanted.has(key)) continue;
      row.remove();
      this.made.delete(key);
    }
    /** @type {HTMLElement | null} */
    let before = null;
    for (const [key, index] of wanted) {
      const made = this.make(this.items[index]);
      made.dataset.id = key;
      made.ariaSetSize = String(this.open ? -1 : this.items.length);
      made.ariaPosInSet = String(index + 1);
      made.style.insetBlockStart = `${index * height}px`;
      const row = this.kept(key, made);
      /** @type {Element | null} */
      const next = before ? before.nextElementSibling : this.list.firstElementChild;
      if (row !== next) this.list.insertBefore(row, next);
      before = row;
    }
  }

  /**
   * The existing row if it equals the new one, else the new one. A row that is held down stays, or its click would be lost.
   * @param {string} key
   * @param {HTMLElement} made
   */
  kept(key, made) {
    const known = this.made.get(key);
    if (known && (known === this.pressed || known.isEqualNode(made))) return known;
    this.made.set(key, made);
    if (!known) return made;
    const position = controls(known).findIndex((control) => control === document.activeElement);
    known.replaceWith(made);
    if (position >= 0) (controls(made)[position] ?? controls(made)[0])?.focus({ preventScroll: true });
    return made;
  }

  focusedIndex() {
    const key = /** @type {HTMLElement | null | undefined} */ (document.activeElement?.closest("[data-id]"))?.dataset.id;
    return key && this.list.contains(document.activeElement) ? this.items.findIndex((item) => this.key(item) === key) : -1;
  }

  /**
   * Scroll a row into view.
   * @param {number} index
   * @param {boolean} focus
   */
  reveal(index, focus) {
    if (index < 0 || index >= this.items.length) return;
    const { height } = this;
    const [top, bottom] = [index * height, (index + 1) * height];
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (bottom > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = bottom - this.box.clientHeight;
    this.render();
    const row = this.made.get(this.key(this.items[index]));
    if (focus && row) controls(row)[0]?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    const now = this.focusedIndex();
    if (step === undefined || now < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.reveal(Math.min(Math.max(now + step, 0), this.items.length - 1), true);
  }
}

/**
 * @param {HTMLElement} row
 * @returns {HTMLElement[]}
 */
const controls = (row) => [.../** @type {NodeListOf<HTMLElement>} */ (row.querySelectorAll("a, button"))];
