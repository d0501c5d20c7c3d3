// @ts-check
/**
 * Translates reasons for review and errors of the server by their codes. Unknown codes keep the server's sentence, and
 * errors show it as well, since only the server knows the details.
 */
import { serverText, element } from "./dom.js";
import { percent } from "./format.js";
import { classTitle } from "./tasks.js";
import { SERVER_LANGUAGE, language, text } from "./text.js";

/** @import { Reason, Result, Task } from "./types.js" */

/**
 * The page's translation of the server's disclaimer, or its own sentence on a page in its language.
 * @param {string} sentence
 */
export const disclaimerText = (sentence) => (language === SERVER_LANGUAGE ? sentence : text.page.disclaimer);

/**
 * An error, or the reason why a file could not be read.
 * @param {Reason} reason
 */
export function reasonText({ code, message }) {
  const general = text.errors[code];
  return general ? `${general} ${text.problem.inDetail} ${message}` : message;
}

/**
 * The same with the server's sentence marked as its own.
 * @param {string} message
 * @returns {(Node | string)[]}
 */
export function markedMessage(message) {
  const [general, details] = message.split(`${text.problem.inDetail} `);
  return details ? [`${general}${text.problem.inDetail} `, serverText(details)] : [message];
}

/**
 * What a translated reason for review says of a result, as it is written in the language of the page.
 * @typedef {object} About
 * @property {string} probability of the predicted class
 * @property {string | null} required by the model without a review; null if the result does not say so
 * @property {string} second title of the second class
 * @property {string} share probability of the second class
 */

/**
 * A reason why a result needs a review, or a file could not be read, as elements that are marked with their languages.
 * @param {Reason} reason
 * @param {Result} result
 * @param {Task} [task]
 * @returns {(Node | string)[]}
 */
export function describeReason({ code, message }, result, task) {
  const general = text.errors[code];
  if (general) return [general, element("p", { className: "small-print" }, `${text.problem.inDetail} `, serverText(message))];
  return [text.reasons[code]?.(about(result, task)) ?? serverText(message)];
}

/**
 * @param {Result} result
 * @param {Task} [task]
 * @returns {About}
 */
function about({ label, probability, probabilities, model }, task) {
  const [second = "", share = 0] = Object.entries(probabilities).filter(([name]) => name !== label).sort(([, a], [, b]) => b - a)[0] ?? [];
  const required = model?.min_probability;
  return {
    probability: percent(probability ?? 0),
    required: required ? percent(required) : null,
    second: classTitle(task, second),
    share: percent(share),
  };
}
