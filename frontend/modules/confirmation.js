// @ts-check
/** A confirmation dialog for actions that affect all users: lists the consequences, and shows the error if the action fails. */
import { element, fill } from "./dom.js";
import { note } from "./sheet.js";
import { text } from "./text.js";

/**
 * @param {object} question
 * @param {string} question.heading
 * @param {string[]} question.consequences one sentence each
 * @param {string} question.action label of the confirming button
 * @param {() => Promise<void>} question.act
 * @param {() => void} [question.after] called after success, when the dialog has closed
 */
export function ask({ heading, consequences, action, act, after = () => {} }) {
  const problem = element("div");
  const go = element("button", { type: "button", className: "primary" }, action);
  // Has the focus first, so that pressing Enter by mistake does nothing.
  const leave = element("button", { type: "button", autofocus: true }, text.modelPages.cancel);
  const dialog = element(
    "dialog",
    { className: "confirmation", "aria-labelledby": "confirmation-heading", "aria-describedby": "confirmation-consequences" },
    element("h2", { id: "confirmation-heading" }, heading),
    element("ul", { id: "confirmation-consequences" }, ...consequences.map((sentence) => element("li", {}, sentence))),
    problem,
    element("div", { className: "actions" }, go, leave),
  );
  leave.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  go.addEventListener("click", async () => {
    go.disabled = true;
    fill(problem);
    try {
      await act();
      dialog.close();
      after();
    } catch (error) {
      fill(problem, note(error));
    } finally {
      go.disabled = false;
    }
  });
  document.body.append(dialog);
  dialog.showModal();
}
