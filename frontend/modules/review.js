// @ts-check
/** A person's reading of an image: confirms the model's label or corrects it, and so teaches the next model. */
import { Problem, saveReview } from "./api.js";
import { announce } from "./announcer.js";
import { element, fill } from "./dom.js";
import { dateTime } from "./format.js";
import { classNames, classTitle } from "./tasks.js";
import { text } from "./text.js";

/** @import { Result, Task } from "./types.js" */

/** What the API takes. */
const LONGEST_COMMENT = 1000;

/**
 * @param {Result} result
 * @param {Task | undefined} task
 * @param {(changed: Result) => void} onReview
 * @returns {HTMLFormElement}
 */
export function reviewForm(result, task, onReview) {
  const names = classNames(result, task);
  const select = element(
    "select",
    { id: "review-label", name: "label" },
    ...names.map((name) => element("option", { value: name }, classTitle(task, name))),
  );
  select.value = result.review?.label ?? result.label ?? names[0];
  const comment = element("textarea", { id: "review-comment", rows: 2, maxLength: LONGEST_COMMENT, value: result.review?.comment ?? "" });
  const save = element("button", { className: "secondary" });
  const nameButton = () => {
    save.textContent = select.value === result.label ? text.review.confirm : text.review.correct;
  };
  select.addEventListener("change", nameButton);
  nameButton();
  const outcome = element("p", { className: "outcome" }, summary(result, task));
  const form = element(
    "form",
    { className: "review-form" },
    element("h3", {}, text.review.heading),
    element("label", { htmlFor: select.id }, text.review.label),
    select,
    element("label", { htmlFor: comment.id }, text.review.comment),
    comment,
    element("div", { className: "review-actions" }, save, outcome),
  );

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    // aria-disabled and not disabled: a disabled button would lose the focus.
    if (save.ariaDisabled === "true") return;
    save.ariaDisabled = "true";
    save.textContent = text.review.saving;
    try {
      const changed = await saveReview(result.id, select.value, comment.value.trim());
      fill(outcome, summary(changed, task));
      announce(`${text.review.saved} ${outcome.textContent}`);
      onReview(changed);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      fill(outcome, `${text.problem.saving} ${error.message}`);
      announce(outcome.textContent ?? "");
    } finally {
      save.ariaDisabled = "false";
      nameButton();
    }
  });
  return form;
}

/**
 * @param {Result} result
 * @param {Task | undefined} task
 */
function summary({ review, label }, task) {
  if (!review) return "";
  const when = dateTime(review.reviewed_at);
  return review.label === label ? text.review.confirmed(when) : text.review.corrected(classTitle(task, review.label), when);
}
