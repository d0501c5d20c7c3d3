// @ts-check
/** Tells people who listen to the page what others see happen. */
import { byId } from "./dom.js";

/** How long words stay: long enough to be read out behind what is being said already. */
const STAY_MS = 10_000;

/**
 * Each announcement is an element of its own, so that one that follows at once does not silence it.
 * @param {string} words
 */
export function announce(words) {
  const spoken = document.createElement("p");
  spoken.textContent = words;
  byId("announcer", HTMLElement).append(spoken);
  setTimeout(() => spoken.remove(), STAY_MS);
}
