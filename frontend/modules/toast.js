// @ts-check
/** Notices: what has just been done, or could not be done, for a few seconds at the bottom of the screen. */
import { announce } from "./announcer.js";
import { byId } from "./dom.js";

const STAY_MS = 4_000;
/** What went wrong stays longer: it asks for an action. */
const FAILURE_STAY_MS = 12_000;

let timer = 0;

/**
 * Show and announce a notice; it replaces the one before it.
 * @param {string} message
 * @param {{failed?: boolean}} [kind]
 */
export function notify(message, { failed = false } = {}) {
  const toast = byId("toast", HTMLElement);
  toast.textContent = message;
  toast.classList.toggle("failed", failed);
  toast.hidden = false;
  announce(message);
  clearTimeout(timer);
  timer = window.setTimeout(() => (toast.hidden = true), failed ? FAILURE_STAY_MS : STAY_MS);
}
