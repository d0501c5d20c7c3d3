// @ts-check
/** Lets the user pick a result in the worklist, or among those of this device, without opening it. */

/** Links to results. */
const ROWS = "#worklist-rows a, #device-rows a";

export class RowPicker {
  /**
   * @param {(id: string) => void} onPick
   * @param {(on: boolean) => void} onChange
   * @param {AbortSignal} signal ends it
   */
  constructor(onPick, onChange, signal) {
    this.on = false;
    this.onPick = onPick;
    this.onChange = onChange;
    // Before the row's own link.
    document.addEventListener("click", (event) => this.take(event), { capture: true, signal });
  }

  /** @param {boolean} on */
  set(on) {
    this.on = on;
    this.onChange(on);
  }

  /** @param {MouseEvent} event */
  take(event) {
    const link = this.on && event.target instanceof Element && event.target.closest(ROWS);
    if (!(link instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    event.stopPropagation();
    this.set(false);
    this.onPick(decodeURIComponent(link.hash.split("/").at(-1) ?? ""));
  }
}
