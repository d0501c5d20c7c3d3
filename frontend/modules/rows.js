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
    /** Called with the rows in the page, by key, after each change of them. */
    this.onPlace = (/** @type {Map<string, HTMLElement>} */ _made) => {};
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

  /** One, unless the list's custom property --tile, a width in rem, makes it a grid. */
  get columns() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const tile = rem * parseFloat(getComputedStyle(this.list).getPropertyValue("--tile"));
    return tile ? Math.max(1, Math.floor(this.list.clientWidth / tile)) : 1;
  }

  /** Update the visible rows; unchanged ones are kept, since one may have the focus. */
  render() {
    const { height, items, columns } = this;
    this.list.style.blockSize = `${Math.ceil(items.length / columns) * height}px`;
    const first = columns * Math.max(0, Math.floor(this.box.scrollTop / height) - SPARE);
    const last = Math.min(items.length, columns * (Math.ceil((this.box.scrollTop + this.box.clientHeight) / height) + SPARE));
    const focused = this.focusedIndex();
    const indices = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset);
    // Keep the row with the focus, even if it is scrolled out of view.
    if (focused >= 0 && focused < first) indices.unshift(focused);
    if (focused >= last) indices.push(focused);
    this.place(indices, height, columns);
    this.onPlace(this.made);
    if (last >= items.length - SPARE && this.open && this.box.clientHeight > 0) this.onEnd();
  }

  /**
   * @param {number[]} indices
   * @param {number} height
   * @param {number} columns
   */
  place(indices, height, columns) {
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
      made.style.insetBlockStart = `${Math.floor(index / columns) * height}px`;
      if (columns > 1) {
        made.style.insetInlineStart = `${((index % columns) * 100) / columns}%`;
        made.style.inlineSize = `${100 / columns}%`;
      }
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
   * @param {number} [position] of its control that gets the focus
   */
  reveal(index, position = -1) {
    if (index < 0 || index >= this.items.length) return;
    const { height } = this;
    const line = Math.floor(index / this.columns);
    const [top, bottom] = [line * height, (line + 1) * height];
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (bottom > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = bottom - this.box.clientHeight;
    this.render();
    const row = this.made.get(this.key(this.items[index]));
    if (position >= 0 && row) (controls(row)[position] ?? controls(row)[0])?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const { columns } = this;
    const line = { ArrowDown: columns, ArrowUp: -columns, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    const steps = columns > 1 ? { ...line, ArrowRight: 1, ArrowLeft: -1 } : line;
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    const now = this.focusedIndex();
    if (step === undefined || now < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const row = /** @type {HTMLElement} */ (this.made.get(this.key(this.items[now])));
    const position = controls(row).findIndex((control) => control === document.activeElement);
    this.reveal(Math.min(Math.max(now + step, 0), this.items.length - 1), position);
  }
}

/**
 * @param {HTMLElement} row
 * @returns {HTMLElement[]}
 */
const controls = (row) => [.../** @type {NodeListOf<HTMLElement>} */ (row.querySelectorAll("a, button, input"))];
