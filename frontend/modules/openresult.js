// @ts-check
/** The open result: its picture and heat map on the light box, its text and its review form beside it. Loaded with the first one. */
import { announce, notify } from "./announcer.js";
import { Problem, whenLoaded } from "./api.js";
import { lazily } from "./dom.js";
import { explanationOf } from "./explanation.js";
import { percent } from "./format.js";
import { describeDeviceOnly, isFromDevice } from "./ondevice.js";
import { hasRole } from "./permissions.js";
import { pictureOfResult, whyNoPicture } from "./picture.js";
import { HINTS_SEEN, preference } from "./preferences.js";
import { describeQuarantined, describeResult } from "./result.js";
import { navigate, resultAddress } from "./router.js";
import { classNames, classText, classTitle, taskText } from "./tasks.js";
import { text } from "./text.js";

const loadReview = lazily(() => import("./review.js"));
const loadRemoval = lazily(() => import("./removal.js"));
const loadHints = lazily(() => import("./hints.js"));

/** @import { Picture } from "./picture.js" */
/** @import { Review } from "./review.js" */
/** @import { Result } from "./types.js" */
/** @import { Viewer } from "./viewer.js" */

export class OpenResult {
  /**
   * @param {Result} result classified or quarantined
   * @param {number | null} took response time in milliseconds; null if the result was not requested on this page
   * @param {Viewer} viewer
   */
  constructor(result, took, viewer) {
    this.result = result;
    this.took = took;
    this.viewer = viewer;
    this.view = viewer.view;
    this.explanation = explanationOf(result, viewer.device);
    /** @type {Picture | null} */
    this.picture = null;
    /** The review form, if the result can be reviewed. @type {Review | null} */
    this.review = null;
  }

  /** Whether another view has been opened. */
  get isLeft() {
    return this.viewer.view !== this.view;
  }

  /** Load what is needed to show it. */
  async load() {
    this.picture = await pictureOfResult(this.result, this.explanation.prepared);
    this.review = await this.makeReview();
  }

  get task() {
    return this.viewer.find(this.result.task);
  }

  /** Show it, with its picture if there is one. */
  show() {
    const { picture, result, task, viewer: { lightBox } } = this;
    if (picture) lightBox.show(picture, task);
    else lightBox.showNoImage(whyNoPicture(result));
    this.describe();
  }

  /** Show a better picture when there is one. */
  async improve() {
    const better = await this.picture?.better;
    if (better && !this.isLeft) this.viewer.lightBox.improve(better);
  }

  /** The result as text, and its heat map. */
  describe() {
    const { result, task, took, explanation, viewer: { panel, lightBox } } = this;
    const eyebrow = taskText(task, result.task);
    if (result.status === "quarantined") {
      panel.show(eyebrow, text.result.quarantined, ...describeQuarantined(result, took));
      return;
    }
    const { concealed } = result;
    const title = concealed ? text.worklist.unread : classTitle(task, result.label);
    const classes = classNames(result, task).map((name) => ({ name, title: classTitle(task, name) }));
    const { label, heatmap: heatMap, source } = result;
    const compare = () => this.compare();
    lightBox.explain({ title, label, heatMap, classes, source, compare, ...explanation }, Boolean(this.picture?.own));
    panel.show(eyebrow, concealed ? title : classText(task, label), ...describeResult(result, task, took, this.review?.form.element ?? describeDeviceOnly()));
    announce(concealed ? title : text.result.announce(title, percent(result.probability ?? 0), result.needs_review));
    if (!concealed) offerHints();
  }

  /** Show another result beside this one, or no longer. */
  async compare() {
    const { view } = this.viewer.lightBox;
    if (view?.comparison) return view.comparison.end();
    try {
      const { Comparison } = await whenLoaded(import("./comparison.js"));
      if (view && !view.comparison && !this.isLeft) new Comparison(this, view).begin();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      notify(error.message, { failed: true });
    }
  }

  /** Let administrators hide and delete the result, and tell everyone that it is hidden. */
  async offerRemoval() {
    if (isFromDevice(this.result.id) || !(hasRole("admin") || this.result.hidden)) return;
    const removal = await loadRemoval().catch(() => null);
    if (!this.isLeft) removal?.offerRemoval(this.result, this.viewer);
  }

  /**
   * The review form, whose module is loaded with the first of them.
   * @returns {Promise<Review | null>}
   */
  async makeReview() {
    const { result } = this;
    if (result.status !== "classified" || isFromDevice(result.id)) return null;
    const { Review } = await whenLoaded(loadReview());
    return new Review(result, this.task, {
      onReview: (changed) => this.learn(changed),
      onNext: () => this.openNext(),
      isLeft: () => this.isLeft,
    });
  }

  /** Open the next unreviewed result, unless another one was opened while the review of this one was being saved. */
  openNext() {
    if (this.isLeft) return;
    const next = this.viewer.worklist.neighbour(1, true);
    if (next) navigate(resultAddress(next.id));
    else notify(text.review.last);
  }

  /** @param {Result} changed after its review was changed */
  learn(changed) {
    this.viewer.worklist.add(changed);
    if (!this.isLeft) this.viewer.lightBox.view?.comparison?.learn(changed);
    if (changed.concealed === this.result.concealed || this.isLeft) return;
    // The answer, which was hidden from a blind reader, may be shown, or is hidden again.
    this.result = changed;
    this.describe();
    this.offerRemoval();
  }
}

/** With the first result, newcomers get hints. Without them, the page works as well. */
export function offerHints() {
  if (preference(HINTS_SEEN) === null) loadHints().then(({ showHints }) => showHints()).catch(() => {});
}
