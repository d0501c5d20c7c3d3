// @ts-check
/**
 * Translates reasons for review and errors of the server by their codes. Unknown codes keep the server's sentence, and
 * errors show it as well, since only the server knows the details.
 */
import { serverText, element } from "./dom.js";
import { text } from "./text.js";

/** @import { Reason } from "./types.js" */

/** @param {Reason} reason */
export function reasonText({ code, message }) {
  const general = text.errors[code];
  return general ? `${general} ${text.problem.inDetail} ${message}` : (text.reasons[code] ?? message);
}

/**
 * The same as elements, with the language of each part marked for screen readers.
 * @param {Reason} reason
 * @returns {(Node | string)[]}
 */
export function describeReason({ code, message }) {
  const general = text.errors[code];
  if (!general) return [text.reasons[code] ?? serverText(message)];
  return [general, element("p", { className: "small-print" }, `${text.problem.inDetail} `, serverText(message))];
}
