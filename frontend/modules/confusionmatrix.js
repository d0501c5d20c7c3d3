// @ts-check
/** The confusion matrix of a model and its reviewers; each number leads to its images in the worklist. */
import { element } from "./dom.js";
import { count } from "./format.js";
import { classText, classTitle } from "./tasks.js";
import { taskAddress } from "./router.js";
import { tableBox } from "./table.js";
import { text } from "./text.js";

/** @import { ReviewedGroup } from "./modeltypes.js" */
/** @import { Task } from "./types.js" */

/**
 * @param {Task} task
 * @param {string[]} classes in the order of rows and columns
 * @param {ReviewedGroup} group
 * @param {Record<string, string>} filters of the worklist that select the group, by their names in the address
 */
export function confusionMatrix(task, classes, { confusion }, filters) {
  const labels = text.people.confusion;
  const all = confusion.flat().reduce((sum, number) => sum + number, 0);
  const head = [labels.corner, ...classes.map((name) => classText(task, name))];
  const rows = classes.map((reviewed, row) => [
    [classText(task, reviewed)],
    ...classes.map((given, column) => [cell(confusion[row][column], reviewed, given)]),
  ]);
  const box = tableBox(head, rows, labels.name);
  box.classList.add("confusion");
  return box;

  /**
   * @param {number} images
   * @param {string} reviewed class of the review
   * @param {string} given class of the model
   */
  function cell(images, reviewed, given) {
    if (images === 0) return element("span", { className: "none" }, "0");
    const query = new URLSearchParams({ ...filters, label: given, reviewed_label: reviewed });
    const name = labels.cell(count(images), images, classTitle(task, reviewed), classTitle(task, given));
    const link = element("a", { href: `?${query}${taskAddress(task.name)}`, "aria-label": name, title: name }, count(images));
    link.className = reviewed === given ? "agreed" : "disagreed";
    link.style.setProperty("--share", String(Math.round(12 + (40 * images) / all)));
    return link;
  }
}
