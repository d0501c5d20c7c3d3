// @ts-check
/** Announces changes to screen readers. */
import { byId } from "./dom.js";

/** How long an announcement stays in the page: long enough to be read out after those before it. */
const STAY_MS = 10_000;

/**
 * Each announcement is a separate element, so that the next one does not interrupt it.
 * @param {string} message
 */
export function announce(message) {
  const spoken = document.createElement("p");
  spoken.textContent = message;
  byId("announcer", HTMLElement).append(spoken);
  setTimeout(() => spoken.remove(), STAY_MS);
}
