// @ts-check
/** Announcements for screen readers, and notices that everyone sees. */
import { byId, element } from "./dom.js";

/** @import { Child } from "./dom.js" */

/** How long an announcement stays in the page: long enough to be read out after those before it. */
const ANNOUNCED_MS = 10_000;

/**
 * Each announcement is a separate element, so that the next one does not interrupt it.
 * @param {...Child} message
 */
export function announce(...message) {
  const spoken = element("p", {}, ...message);
  byId("announcer", HTMLElement).append(spoken);
  setTimeout(() => spoken.remove(), ANNOUNCED_MS);
}

/** How long a notice is shown. */
const SHOWN_MS = 4_000;
/** What went wrong stays longer: it asks for an action. */
const FAILURE_SHOWN_MS = 12_000;

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
  timer = window.setTimeout(() => (toast.hidden = true), failed ? FAILURE_SHOWN_MS : SHOWN_MS);
}
