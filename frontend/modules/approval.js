// @ts-check
/** The form in which an administrator approves or rejects the new model of a retraining. */
import { announce } from "./announcer.js";
import { ask } from "./confirmation.js";
import { element } from "./dom.js";
import { keepDraft, keepTyped } from "./drafts.js";
import { MAX_TEXT } from "./limits.js";
import { answerRetraining } from "./modelapi.js";
import { hasRole, adminsOnly } from "./permissions.js";
import { text } from "./text.js";

/** @import { FollowedRetraining } from "./modeltypes.js" */

/**
 * @param {FollowedRetraining} retraining that waits for approval
 * @param {() => void} onAnswer
 */
export function approvalForm({ name, current, candidate }, onAnswer) {
  const labels = text.modelPages.approval;
  const draft = `approval/${name}`;
  const content = hasRole("admin") ? form() : [adminsOnly(labels.right)];
  return element(
    "div",
    { className: "verdict review" },
    element("h3", {}, labels.heading),
    element("p", {}, labels.question(candidate ?? "")),
    ...content,
  );

  function form() {
    const comment = element("textarea", { id: "approval-comment", rows: 2, maxLength: MAX_TEXT });
    keepTyped(comment, draft);
    return [
      element("p", { className: "field" }, element("label", { htmlFor: comment.id }, labels.comment), comment),
      element(
        "div",
        { className: "actions" },
        button("primary", labels.approve, () => ask({
          heading: labels.approveQuestion,
          consequences: [labels.approveMeans(candidate ?? ""), current ? labels.currentKept(current) : labels.first, labels.approveFails],
          action: labels.approve,
          act: () => answer(true, comment.value, labels.approved),
          after: onAnswer,
        })),
        button("", labels.decline, () => ask({
          heading: labels.declineQuestion,
          consequences: [labels.declineMeans(candidate ?? ""), labels.declineFinal],
          action: labels.decline,
          act: () => answer(false, comment.value, labels.declined),
          after: onAnswer,
        })),
      ),
    ];
  }

  /**
   * @param {boolean} approved
   * @param {string} comment
   * @param {string} message
   */
  async function answer(approved, comment, message) {
    await answerRetraining(name, approved, comment.trim());
    keepDraft(draft, null);
    announce(message);
  }
}

/**
 * @param {string} className
 * @param {string} label
 * @param {() => void} onclick
 */
const button = (className, label, onclick) => element("button", { type: "button", className, onclick }, label);
