// @ts-check
/** The dialog of all keyboard shortcuts, in which they get other keys. Loaded on first use. */
import { addStyles, element, fill } from "./dom.js";
import { OFF, SINGLE_KEYS, chooseKey, keyName, keyOf, resetKeys } from "./keys.js";
import { prefer, preference } from "./preferences.js";
import { loadTextsOf, text } from "./text.js";

await Promise.all([loadTextsOf("shortcuts"), addStyles("shortcuts")]);

/** @typedef {keyof typeof text.shortcuts.names} Name */

/**
 * The shortcuts by group, in order. Those with an action can get another key; of the others, the keys are named.
 * @type {Record<keyof typeof text.shortcuts.groups, [Name, string | string[]][]>}
 */
const LIST = {
  images: [["open", "o"], ["next", "j"], ["previous", "k"]],
  review: [["classes", ["1", "…", "9"]], ["confirm", "enter"], ["undo", "u"], ["comment", "c"]],
  view: [
    ["enlarge", "+"], ["reduce", "-"], ["fit", "f"], ["reset", "0"], ["move", ["←", "↑", "→", "↓"]], ["window", ["Shift", "← ↑ → ↓"]],
    ["windows", "w"], ["invert", "i"], ["mirror", "x"], ["flip", "y"], ["rotate", "r"], ["fullScreen", "s"], ["length", "m"],
    ["rectangle", "a"], ["ellipse", "e"], ["heatMap", "h"], ["compare", "b"],
    ["sideBySide", "v"], ["nextBeside", "n"], ["previousBeside", "z"], ["link", "l"],
    ["frameBefore", ","], ["frameAfter", "."],
  ],
  page: [["pause", "p"], ["help", "?"], ["close", ["Esc"]]],
};

/** @type {Map<string, Name>} */
const NAMES = new Map(Object.values(LIST).flat().flatMap(([name, action]) => (typeof action === "string" ? [[action, name]] : [])));

/** Digits assign classes, and the space bar presses buttons. */
const RESERVED = /^[1-9 ]$/;
const ENTER = "enter";

const dialog = element("dialog", { className: "shortcuts", id: "shortcuts", "aria-labelledby": "shortcuts-heading" });
const status = element("p", { className: "shortcut-status", role: "status" });

/** The action that waits for its new key. @type {string | null} */
let waiting = null;

dialog.addEventListener("keydown", (event) => waiting && take(event, waiting));
dialog.addEventListener("cancel", (event) => waiting && event.preventDefault());
dialog.addEventListener("close", () => stop());
document.body.append(dialog);

export async function showShortcuts() {
  render();
  if (!dialog.open) dialog.showModal();
}

function render() {
  const labels = text.shortcuts;
  const single = element("input", { type: "checkbox", checked: preference(SINGLE_KEYS) !== OFF });
  single.addEventListener("change", () => prefer(SINGLE_KEYS, single.checked ? "on" : OFF));
  const reset = element("button", { type: "button", className: "quiet" }, labels.reset);
  reset.addEventListener("click", () => {
    resetKeys();
    render();
    status.textContent = labels.wereReset;
    dialog.querySelector("button")?.focus();
  });
  const groups = Object.entries(LIST).map(([group, list]) =>
    element(
      "section",
      {},
      element("h3", {}, labels.groups[/** @type {keyof typeof LIST} */ (group)]),
      element("dl", {}, ...list.map(([name, action]) => row(name, action))),
    ),
  );
  status.textContent = "";
  fill(
    dialog,
    element("h2", { id: "shortcuts-heading" }, labels.heading),
    element("p", { className: "small-print" }, labels.explanation),
    element("div", { className: "shortcut-list" }, ...groups),
    status,
    element("label", { className: "checkbox" }, single, " ", element("span", {}, labels.single)),
    element("form", { method: "dialog" }, element("button", { className: "primary" }, labels.close), " ", reset),
  );
}

/**
 * @param {Name} name
 * @param {string | string[]} action or keys that stay
 */
function row(name, action) {
  const keys = typeof action === "string" ? [keyButton(name, action)] : action.flatMap((key, index) => [index ? " " : "", element("kbd", {}, key)]);
  return element("div", {}, element("dt", {}, ...keys), element("dd", {}, text.shortcuts.names[name]));
}

/**
 * @param {Name} name
 * @param {string} action
 */
function keyButton(name, action) {
  const key = keyName(keyOf(action));
  const button = element("button", { type: "button", "aria-label": text.shortcuts.change(text.shortcuts.names[name], key) }, element("kbd", {}, key));
  button.dataset.action = action;
  button.addEventListener("click", () => wait(action));
  return button;
}

/**
 * The next key that is pressed becomes the key of an action.
 * @param {string} action
 */
function wait(action) {
  stop();
  waiting = action;
  buttonOf(action)?.setAttribute("aria-pressed", "true");
  status.textContent = text.shortcuts.pressNow(text.shortcuts.names[/** @type {Name} */ (NAMES.get(action))]);
}

function stop() {
  if (waiting !== null) buttonOf(waiting)?.removeAttribute("aria-pressed");
  waiting = null;
}

/**
 * @param {KeyboardEvent} event
 * @param {string} action
 */
function take(event, action) {
  if (["Shift", "Control", "Alt", "AltGraph", "Meta", "Tab", "Dead", "CapsLock"].includes(event.key)) return;
  event.preventDefault();
  event.stopPropagation();
  const labels = text.shortcuts;
  const key = event.key.toLowerCase();
  if (key === "escape") {
    stop();
    status.textContent = labels.unchanged;
    return;
  }
  const other = [...NAMES].find(([known]) => known !== action && keyOf(known) === key);
  if (event.ctrlKey || event.metaKey || (key.length > 1 && key !== ENTER) || RESERVED.test(key)) status.textContent = labels.reserved(keyName(key));
  else if (other) status.textContent = labels.taken(keyName(key), labels.names[other[1]]);
  else {
    waiting = null;
    chooseKey(action, key);
    render();
    buttonOf(action)?.focus();
    status.textContent = labels.changed(labels.names[/** @type {Name} */ (NAMES.get(action))], keyName(key));
  }
}

/** @param {string} action */
const buttonOf = (action) => [...dialog.querySelectorAll("button")].find((button) => button.dataset.action === action);
