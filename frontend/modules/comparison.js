// @ts-check
/** Shows another result of the task beside the open one; zoom, position and window of both are linked. Loaded on first use. */
import { announce, notify } from "./announcer.js";
import { Problem, fetchResult } from "./api.js";
import { ComparisonTools } from "./comparisontools.js";
import { addStyles, byId } from "./dom.js";
import { explanationOf } from "./explanation.js";
import { count, percent } from "./format.js";
import { overlay } from "./heatmap.js";
import { isFromDevice } from "./ondevice.js";
import { Pane } from "./pane.js";
import { pictureOfResult, whyNoPicture } from "./picture.js";
import { RowPicker } from "./rowpicker.js";
import { classTitle } from "./tasks.js";
import { loadTextsOf, text } from "./text.js";

/** @import { ImageView } from "./imageview.js" */
/** @import { OpenResult } from "./openresult.js" */
/** @import { Picture } from "./picture.js" */
/** @import { Result } from "./types.js" */

await Promise.all([loadTextsOf("comparison"), addStyles("comparison")]);

/** Where Escape has a meaning of its own. */
const OWN_ESCAPE = "input:not([type=checkbox]), select, textarea, #filters";

export class Comparison {
  /**
   * @param {OpenResult} open
   * @param {ImageView} view
   */
  constructor(open, view) {
    this.open = open;
    this.view = view;
    this.viewer = open.viewer;
    /** The result that is beside the open one. @type {Result | null} */
    this.beside = null;
    this.ended = new AbortController();
    /** Aborted when another result is wanted. */
    this.loading = new AbortController();
    this.picker = new RowPicker((id) => this.pick(id), (on) => this.showPicking(on), this.ended.signal);
    view.setBeside(null);
    view.comparison = this;
    this.tools = new ComparisonTools(this);
    this.learn(open.result);
    document.addEventListener("keydown", (event) => this.press(event), { signal: this.ended.signal });
  }

  /** The other image in words; null before it is there. */
  get description() {
    return this.beside && text.comparison.describe(this.titleOf(this.beside));
  }

  /** @param {Result} result */
  titleOf({ concealed, label }) {
    return concealed ? text.worklist.unread : classTitle(this.open.task, label);
  }

  /** Begin with the result after the open one, or else the one before it. */
  begin() {
    const first = this.neighbour(1) ?? this.neighbour(-1);
    if (first) return this.put(first.id);
    this.end();
    notify(text.comparison.none);
  }

  end() {
    if (this.ended.signal.aborted) return;
    const focused = this.tools.element.contains(document.activeElement);
    this.ended.abort();
    this.loading.abort();
    this.tools.remove();
    this.mark("");
    this.view.comparison = null;
    this.view.setBeside(null);
    if (focused) this.view.area.focus({ preventScroll: true });
    announce(text.comparison.ended);
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const { key, target, defaultPrevented } = event;
    if (key !== "Escape" || defaultPrevented || document.querySelector("dialog[open], :popover-open")) return;
    if (target instanceof Element && target.closest(OWN_ESCAPE)) return;
    event.preventDefault();
    if (this.picker.on) {
      this.picker.set(false);
      this.tools.pick.focus();
    } else this.end();
  }

  /** @param {1 | -1} step along the list */
  step(step) {
    const next = this.neighbour(step);
    if (next) this.put(next.id);
    else notify(step > 0 ? text.worklist.atEnd : text.worklist.atStart);
  }

  /**
   * The result before or after the one that is beside, without the open one.
   * @param {1 | -1} step
   */
  neighbour(step) {
    const { open: { result }, viewer: { device, worklist } } = this;
    const listed = isFromDevice(result.id) ? device.results.answers.map((answer) => answer.result) : worklist.rows.items;
    const suited = listed.filter((one) => one.id === result.id || !this.whyNot(one));
    const here = suited.findIndex(({ id }) => id === (this.beside ?? result).id);
    const next = suited[here + step];
    return next?.id === result.id ? suited[here + 2 * step] : next;
  }

  /**
   * Why a result cannot be beside the open one; null if it can.
   * @param {Result} result
   */
  whyNot({ id, task, status }) {
    const { result } = this.open;
    if (id === result.id) return text.comparison.same;
    if (status !== "classified") return text.comparison.unclassified;
    return task === result.task ? null : text.comparison.otherTask;
  }

  /** @param {boolean} on */
  showPicking(on) {
    this.tools.pick.ariaPressed = String(on);
    if (!on) return;
    notify(text.comparison.picking);
    const { rows, section } = this.viewer.worklist;
    section.scrollIntoView({ block: "nearest" });
    rows.reveal(Math.max(0, rows.items.findIndex(({ id }) => id === (this.beside ?? this.open.result).id)), 0);
  }

  /** @param {string} id */
  pick(id) {
    byId("light-box", HTMLElement).scrollIntoView({ block: "nearest" });
    this.tools.pick.focus({ preventScroll: true });
    this.put(id);
  }

  /**
   * Put a result beside the open one.
   * @param {string} id
   */
  async put(id) {
    this.loading.abort();
    const { signal } = (this.loading = new AbortController());
    this.tools.element.ariaBusy = "true";
    try {
      const { device } = this.viewer;
      const result = isFromDevice(id) ? device.recall(id).result : await fetchResult(id, signal);
      const picture = await this.pictureOf(result);
      if (signal.aborted) return picture.image.close();
      this.show(result, picture);
      this.mark(id);
      this.announce(result);
      const better = await picture.better;
      if (signal.aborted) better?.image.close();
      else if (better) this.show(result, better);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      notify(error.message, { failed: true });
      if (!this.beside) this.end();
    } finally {
      if (this.loading.signal === signal) this.tools.element.ariaBusy = "false";
    }
  }

  /**
   * @param {Result} result
   * @returns {Promise<Picture>}
   * @throws {Problem} if it has none, or is of another kind than the open one
   */
  async pictureOf(result) {
    const reason = this.whyNot(result);
    if (reason) throw new Problem(reason);
    const picture = await pictureOfResult(result, explanationOf(result, this.viewer.device).prepared);
    if (!picture) throw new Problem(whyNoPicture(result));
    return picture;
  }

  /**
   * @param {Result} result
   * @param {Picture} picture
   */
  show(result, { image, caption, frames }) {
    const { canvas, windows } = this.view;
    const [own, before] = canvas.panes;
    const pane = new Pane(image);
    const isLinked = this.tools.link.checked;
    if (isLinked) pane.viewport = own.viewport;
    else if (before && this.beside?.id === result.id) pane.viewport = before.viewport;
    if (result.heatmap) pane.overlay = overlay(result.heatmap, image.size.width / image.size.height);
    this.beside = result;
    this.tools.tell(1, result, this.open.task);
    // No tools beside it say which frame of its file it is.
    this.view.setBeside(pane, frames ? `${caption} · ${frameOf(result)}` : caption);
    if (isLinked) windows.adopt(image, windows.stateOf(own.image));
  }

  /** @param {Result} result */
  announce(result) {
    const verdict = result.concealed ? text.worklist.unread : text.result.announce(this.titleOf(result), percent(result.probability ?? 0), result.needs_review);
    announce(text.comparison.describe(verdict));
  }

  /**
   * Mark the row of the other image.
   * @param {string} id
   */
  mark(id) {
    const { worklist } = this.viewer;
    worklist.beside = id;
    worklist.render();
    if (id) worklist.rows.reveal(worklist.rows.items.findIndex((one) => one.id === id));
  }

  /** @param {Result} changed the open result after its review was changed */
  learn(changed) {
    this.tools.tell(0, changed, this.open.task);
  }

  toggleLink() {
    this.tools.link.click();
  }

  /** @param {boolean} on whether the tools act on both images */
  link(on) {
    const { canvas } = this.view;
    const [own, beside] = canvas.panes;
    if (beside) beside.viewport = on ? own.viewport : own.viewport.copy();
    announce(on ? text.comparison.nowLinked : text.comparison.nowUnlinked);
    canvas.changed();
  }

  /** Show which image the tools act on. */
  update() {
    this.tools?.update(this.view.canvas.active);
  }
}

/**
 * The frame of a file with several, in words.
 * @param {Result} result
 */
const frameOf = ({ source }) => text.picture.frame(count(source?.frame ?? 1), count(source?.frames ?? 1));
