// @ts-check
/**
 * Why an image needs review or could not be used, and what other errors of the server mean: in the reader's language
 * where it knows the code, else as the server says it. Of an error only the server says what is wrong in particular.
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
 * The same, so that who listens hears each part in its language.
 * @param {Reason} reason
 * @returns {(Node | string)[]}
 */
export function describeReason({ code, message }) {
  const general = text.errors[code];
  if (!general) return [text.reasons[code] ?? serverText(message)];
  return [general, element("p", { className: "small-print" }, `${text.problem.inDetail} `, serverText(message))];
}
