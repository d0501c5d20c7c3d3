// @ts-check
/** Why an image needs review or could not be used: in the reader's language where it knows the code, else as the server says it. */
import { text } from "./text.js";

/** @import { Reason } from "./types.js" */

/** @param {Reason} reason */
export const reasonWords = ({ code, message }) => text.reasons[code] ?? message;
