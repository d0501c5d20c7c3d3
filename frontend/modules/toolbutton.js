// @ts-check
/** The buttons of the light box's tools. */
import { element } from "./dom.js";
import { pressedBy } from "./keys.js";

/** @import { text } from "./text.js" */

/**
 * @param {keyof typeof text.imageTools.hints} id also the name of its texts
 * @param {() => void} action
 * @param {object} [kind]
 * @param {string} [kind.key] that does the same
 * @param {string} [kind.sign] shown in place of its name
 * @param {boolean} [kind.toggles] whether it can be pressed in
 */
export function toolButton(id, action, { key, sign, toggles } = {}) {
  const name = `imageTools.names.${id}`;
  const button = element("button", {
    type: "button",
    id,
    [sign ? "data-label" : "data-text"]: name,
    "data-title": `imageTools.hints.${id}`,
    ...(key && pressedBy(key)),
    ...(toggles && { "aria-pressed": false }),
  }, sign);
  button.addEventListener("click", action);
  return button;
}
