// @ts-check
/** What a comparison of two results shows on the page: its buttons below the images, and the verdict of each image. */
import { byId, element, fill } from "./dom.js";
import { nameOf } from "./filenames.js";
import { percent } from "./format.js";
import { pressedBy } from "./keys.js";
import { mark } from "./resultrow.js";
import { resultAddress } from "./router.js";
import { classText } from "./tasks.js";
import { text } from "./text.js";

/** @import { Comparison } from "./comparison.js" */
/** @import { Result, Task } from "./types.js" */

export class ComparisonTools {
  /** @param {Comparison} comparison */
  constructor(comparison) {
    const labels = text.comparison;
    this.pick = button(labels.pick, () => comparison.picker.set(!comparison.picker.on));
    this.pick.classList.add("pick");
    this.link = element("input", { type: "checkbox", role: "switch", id: "linked", checked: true, ...pressedBy("l") });
    this.link.addEventListener("change", () => comparison.link(this.link.checked));
    /** Which image the tools act on while the two are not linked. */
    this.sides = [labels.open, labels.beside].map((name, index) => button(name, () => comparison.view.canvas.activate(index)));
    this.acting = element("div", { className: "tool-group", role: "group", "aria-label": labels.acting }, element("span", {}, labels.acting), ...this.sides);
    this.element = element(
      "div",
      { className: "tool-menu", id: "comparison", role: "group", "aria-label": labels.heading },
      element(
        "div",
        { className: "tool-group" },
        button(labels.previous, () => comparison.step(-1), "z"),
        button(labels.next, () => comparison.step(1), "n"),
        this.pick,
      ),
      element("label", { className: "checkbox" }, this.link, element("span", {}, labels.linked)),
      this.acting,
      button(labels.end, () => comparison.end()),
    );
    this.verdicts = [labels.open, labels.beside].map((name) => element("div", { className: "pane-verdict", role: "group", "aria-label": name }));
    const area = byId("image-area", HTMLElement);
    area.before(this.verdicts[0]);
    area.after(this.verdicts[1]);
    comparison.view.tools.after(this.element);
    fill(this.verdicts[1], text.page.loading);
    this.update(0);
  }

  remove() {
    for (const part of [this.element, ...this.verdicts]) part.remove();
  }

  /**
   * Show the verdict of an image.
   * @param {0 | 1} side of the open one, or of the one beside it
   * @param {Result} result
   * @param {Task | undefined} task
   */
  tell(side, result, task) {
    const open = element("a", { href: resultAddress(result.id) }, text.comparison.openIt);
    fill(this.verdicts[side], ...verdict(result, task), side === 1 && open);
  }

  /** @param {number} active the image that the tools act on */
  update(active) {
    this.acting.hidden = this.link.checked;
    this.sides.forEach((side, index) => (side.ariaPressed = String(index === active)));
  }
}

/**
 * @param {string} label
 * @param {() => void} action
 * @param {string} [key] that does the same
 */
function button(label, action, key) {
  const made = element("button", { type: "button", ...(key && pressedBy(key)) }, label);
  made.addEventListener("click", action);
  return made;
}

/**
 * The class, its probability, the review or whether one is needed, and the file.
 * @param {Result} result
 * @param {Task | undefined} task
 */
function verdict(result, task) {
  const { id, concealed, label, probability } = result;
  const file = nameOf(id) && element("span", { className: "soft" }, nameOf(id));
  if (concealed) return [element("strong", {}, text.worklist.unread), file];
  return [
    element("strong", {}, classText(task, label)),
    element("span", {}, percent(probability ?? 0)),
    mark(result, task) ?? element("span", { className: "chip" }, text.result.noReview),
    file,
  ];
}
