// @ts-check
/** Rows of the worklist that are selected to be changed together; loaded on first use. */
import { announce, notify } from "./announcer.js";
import { changeAll } from "./bulkchange.js";
import { addStyles, element } from "./dom.js";
import { count } from "./format.js";
import { rowActions } from "./rowactions.js";
import { loadTextsOf, text } from "./text.js";
import { guardSending } from "./unloadguard.js";

/** @import { Outcome } from "./bulkchange.js" */
/** @import { RowAction } from "./rowactions.js" */
/** @import { Result } from "./types.js" */
/** @import { Worklist } from "./worklist.js" */

const [actions] = await Promise.all([rowActions(), loadTextsOf("rowselection"), addStyles("rowselection")]);

/** Rows that are loaded to be selected. */
const MAX_SELECTED = 1_000;

export class RowSelection {
  /** @param {Worklist} worklist */
  constructor(worklist) {
    this.worklist = worklist;
    this.on = false;
    /** @type {Set<string>} */
    this.ids = new Set();
    /** The row that was selected last, where a range begins. */
    this.anchor = "";
    /** The change in progress. @type {AbortController | null} */
    this.work = null;
    /** Undoes the last change. @type {(() => Promise<void>) | null} */
    this.revert = null;
    this.number = element("p");
    this.all = button("quiet", () => this.selectAll());
    this.actions = actions.map((action) => ({ action, button: button("secondary", () => this.begin(action)) }));
    this.undo = button("quiet", () => this.revert?.());
    this.stop = button("quiet", () => this.work?.abort());
    this.progress = element("progress");
    this.bar = element(
      "div",
      { className: "row-selection", role: "group" },
      this.number,
      this.all,
      ...this.actions.map((each) => each.button),
      this.progress,
      this.stop,
      this.undo,
    );
    worklist.rows.box.before(this.bar);
    worklist.section.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.on && !event.defaultPrevented) this.toggle();
    });
  }

  /** Begin or end selecting. */
  toggle() {
    this.on = !this.on;
    this.clear();
    this.worklist.render();
    if (!this.on) this.worklist.select.focus();
  }

  /** Select nothing; a change in progress stops. */
  clear() {
    this.ids.clear();
    this.anchor = "";
    this.work?.abort();
    this.revert = null;
  }

  /** The selected results that the list shows. */
  get chosen() {
    return this.ids.size ? this.worklist.rows.items.filter(({ id }) => this.ids.has(id)) : [];
  }

  /** Select the whole list, which is loaded as far as that is sensible, or nothing if all is selected already. */
  async selectAll() {
    if (this.chosen.length === this.worklist.rows.items.length && !this.mayLoad) this.ids.clear();
    else {
      this.all.disabled = true;
      for (let more = true; more && this.mayLoad; ) {
        const before = this.worklist.list.cursor;
        await this.worklist.loadMore();
        more = this.worklist.list.cursor !== before;
      }
      this.ids = new Set(this.worklist.rows.items.map(({ id }) => id));
    }
    this.changed();
  }

  /** Whether the list has more to select. */
  get mayLoad() {
    const { list } = this.worklist;
    return list.cursor !== null && list.known.size < MAX_SELECTED;
  }

  /**
   * @param {string} id
   * @param {boolean} on
   * @param {boolean} range whether the rows from the last one to this one are meant
   */
  set(id, on, range) {
    const { items } = this.worklist.rows;
    const [here, last] = [id, this.anchor].map((wanted) => items.findIndex((item) => item.id === wanted));
    const start = range && last >= 0 ? last : here;
    for (const item of items.slice(Math.min(start, here), Math.max(start, here) + 1)) {
      if (on) this.ids.add(item.id);
      else this.ids.delete(item.id);
    }
    this.anchor = id;
    this.changed(start !== here);
  }

  /** @param {boolean} [several] whether more than one check box has changed */
  changed(several = true) {
    this.worklist.render();
    if (several) announce(this.number.textContent ?? "");
  }

  /**
   * The check box of a row, while rows can be selected.
   * @param {Result} result
   */
  checkbox({ id }) {
    if (!this.on) return null;
    const box = element("input", { type: "checkbox", defaultChecked: this.ids.has(id), "aria-labelledby": `row-${id}` });
    box.addEventListener("click", (event) => this.set(id, box.checked, event.shiftKey));
    return box;
  }

  /**
   * Do something with all selected results to which it applies, after a question if it cannot be undone.
   * @param {RowAction} action
   */
  begin(action) {
    const act = () => this.act(action);
    if (action.ask) action.ask(this.chosen.filter(action.applies).length, act);
    else act();
  }

  /** @param {RowAction} action */
  async act(action) {
    /** @type {Result[]} */
    const changes = [];
    const undoAll = () => this.undoAll(action, changes);
    const wanted = this.chosen.filter(action.applies);
    const outcome = await this.run(wanted, async (result) => {
      const changed = await action.act(result, undoAll);
      changes.push(changed);
      this.worklist.add(changed);
    });
    if (!outcome) return;
    for (const { id } of [...outcome.done, ...outcome.overtaken]) this.ids.delete(id);
    this.revert = this.on && changes.length && action.undo ? undoAll : null;
    this.report(action.done(count(outcome.done.length)), outcome, wanted.length);
    // The pressed button has nothing left to do.
    if (this.revert) this.undo.focus();
  }

  /**
   * @param {RowAction} action
   * @param {Result[]} changes
   */
  async undoAll(action, changes) {
    const { undo } = action;
    const outcome = undo && (await this.run(changes, async (changed) => this.worklist.add(await undo(changed))));
    if (!outcome) return;
    this.revert = null;
    this.report(text.rowSelection.undone(count(outcome.done.length)), outcome, changes.length);
  }

  /**
   * Change all items while the bar shows the progress; null while another change is in progress.
   * @template Item
   * @param {Item[]} items
   * @param {(item: Item) => Promise<void>} act
   */
  async run(items, act) {
    if (this.work) return null;
    this.work = new AbortController();
    const release = guardSending();
    Object.assign(this.progress, { max: items.length, value: 0 });
    this.render();
    try {
      return await changeAll(items, act, { signal: this.work.signal, onProgress: (finished) => (this.progress.value = finished) });
    } finally {
      this.work = null;
      release();
    }
  }

  /**
   * Say what was done, and what was not.
   * @param {string} done
   * @param {Outcome<unknown>} outcome
   * @param {number} wanted
   */
  report(done, { overtaken, failed, problem, ...rest }, wanted) {
    const { rowSelection } = text;
    const skipped = wanted - rest.done.length - overtaken.length - failed.length;
    const parts = [
      done,
      overtaken.length ? rowSelection.overtaken(count(overtaken.length)) : "",
      failed.length ? rowSelection.failed(count(failed.length), problem?.message ?? "") : "",
      skipped ? rowSelection.skipped(count(skipped)) : "",
    ];
    this.worklist.render();
    notify(parts.filter(Boolean).join(" "), { failed: overtaken.length + failed.length > 0 });
    // The list learns what others have done.
    if (overtaken.length) this.worklist.refresh();
  }

  render() {
    const { chosen, work, worklist } = this;
    const { rowSelection } = text;
    const { items } = worklist.rows;
    this.bar.hidden = !this.on;
    this.bar.ariaLabel = rowSelection.heading;
    this.number.textContent = rowSelection.selected(count(chosen.length));
    const every = this.mayLoad ? rowSelection.upTo(count(MAX_SELECTED)) : rowSelection.all(count(items.length));
    this.all.textContent = items.length && chosen.length === items.length && !this.mayLoad ? rowSelection.none : every;
    for (const { action, button } of this.actions) {
      const number = chosen.filter(action.applies).length;
      button.hidden = action.offered?.(worklist.list.selection) === false;
      button.textContent = action.name(count(number));
      button.disabled = Boolean(work) || number === 0;
    }
    this.all.disabled = Boolean(work);
    this.progress.hidden = this.stop.hidden = !work;
    this.progress.ariaLabel = rowSelection.progress;
    this.stop.textContent = rowSelection.stop;
    this.undo.textContent = rowSelection.undo;
    this.undo.hidden = !this.revert || Boolean(work);
  }
}

/**
 * @param {string} className
 * @param {() => void} act
 */
function button(className, act) {
  const made = element("button", { type: "button", className });
  made.addEventListener("click", act);
  return made;
}
