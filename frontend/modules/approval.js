// @ts-check
/** Lets an admin say whether the new model of a retraining may be deployed. */
import { announce } from "./announcer.js";
import { ask } from "./confirmation.js";
import { element } from "./dom.js";
import { answerRetraining } from "./recordsapi.js";
import { hasRole, adminsOnly } from "./permissions.js";
import { text } from "./text.js";

/** @import { FollowedRetraining } from "./recordtypes.js" */

/**
 * @param {FollowedRetraining} retraining that asks
 * @param {() => void} onAnswer
 */
export function approvalForm({ name, current, candidate }, onAnswer) {
  const words = text.records.approval;
  const content = hasRole("admin") ? form() : [adminsOnly(words.right)];
  return element(
    "div",
    { className: "verdict review" },
    element("h3", {}, words.heading),
    element("p", {}, words.question(candidate ?? "")),
    ...content,
  );

  function form() {
    const comment = element("textarea", { id: "approval-comment", rows: 2, maxLength: 1_000 });
    return [
      element("p", { className: "field" }, element("label", { htmlFor: comment.id }, words.comment), comment),
      element(
        "div",
        { className: "actions" },
        button("primary", words.approve, () => ask({
          heading: words.approveQuestion,
          consequences: [words.approveMeans(candidate ?? ""), current ? words.currentKept(current) : words.first, words.approveFails],
          action: words.approve,
          act: () => answer(true, comment.value, words.approved),
          after: onAnswer,
        })),
        button("", words.decline, () => ask({
          heading: words.declineQuestion,
          consequences: [words.declineMeans(candidate ?? ""), words.declineFinal],
          action: words.decline,
          act: () => answer(false, comment.value, words.declined),
          after: onAnswer,
        })),
      ),
    ];
  }

  /**
   * @param {boolean} approved
   * @param {string} comment
   * @param {string} told
   */
  async function answer(approved, comment, told) {
    await answerRetraining(name, approved, comment.trim());
    announce(told);
  }
}

/**
 * @param {string} className
 * @param {string} words
 * @param {() => void} onclick
 */
const button = (className, words, onclick) => element("button", { type: "button", className, onclick }, words);
