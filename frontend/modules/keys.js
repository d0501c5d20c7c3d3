// @ts-check
/** Which key stands for which action. An action is called after its own key; the user may choose another one for it. */
import { prefer, preference, onPreferenceChange } from "./preferences.js";

/** The name of the preference, and its value if shortcuts are turned off. */
export const SINGLE_KEYS = "keys";
export const OFF = "off";

const PREFERENCE = "chosen-keys";

/** Chosen keys by action, in lower case. @type {Record<string, string>} */
let chosen = kept();
onPreferenceChange(PREFERENCE, () => {
  chosen = kept();
  markKeys();
});

/** @param {string} action */
export const keyOf = (action) => chosen[action] ?? action;

/** @param {string} key as it is written on a keyboard */
export const keyName = (key) => (key === "-" ? "−" : key.length === 1 ? key.toUpperCase() : key[0].toUpperCase() + key.slice(1));

/**
 * The action that a key stands for, if there is one.
 * @param {string} key in lower case
 */
export function actionOf(key) {
  const action = Object.keys(chosen).find((known) => chosen[known] === key);
  // An action that was given another key has left its own.
  return action ?? (Object.hasOwn(chosen, key) ? undefined : key);
}

/**
 * @param {string} action
 * @param {string} key in lower case
 */
export function chooseKey(action, key) {
  chosen = { ...chosen, [action]: key };
  if (key === action) delete chosen[action];
  keep();
}

/** Give all actions their own keys again. */
export function resetKeys() {
  chosen = {};
  keep();
}

/**
 * Attributes of a control that the key of an action presses.
 * @param {string} action
 */
export const pressedBy = (action) => ({ "data-key": action, "aria-keyshortcuts": keyOf(action) });

/** Name the keys of all controls to assistive technology. */
export function markKeys() {
  for (const control of document.querySelectorAll("[data-key]")) {
    control.setAttribute("aria-keyshortcuts", keyOf(control.getAttribute("data-key") ?? ""));
  }
}

function keep() {
  prefer(PREFERENCE, JSON.stringify(chosen));
  markKeys();
}

/** @returns {Record<string, string>} */
function kept() {
  try {
    const found = JSON.parse(preference(PREFERENCE) ?? "{}");
    return Object.values(found).every((key) => typeof key === "string") ? found : {};
  } catch {
    return {};
  }
}
