// @ts-check
/** Tells people who listen to the page what others see happen. */
import { byId } from "./dom.js";

/** @param {string} words */
export function announce(words) {
  const region = byId("announcer", HTMLElement);
  // Emptied first, so that the same words said twice are heard twice.
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = words;
  });
}
