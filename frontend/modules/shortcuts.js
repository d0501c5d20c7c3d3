// @ts-check
/** Keyboard shortcuts. Single-key shortcuts can be turned off (WCAG 2.1.4), and get other keys. */
import { notify } from "./announcer.js";
import { Problem, whenLoaded } from "./api.js";
import { byId, lazily } from "./dom.js";
import { OFF, SINGLE_KEYS, actionOf, markKeys } from "./keys.js";
import { preference } from "./preferences.js";

const loadList = lazily(() => import("./shortcutlist.js"));

/** Elements in which keys already have a meaning. */
const TYPING = "input:not([type=checkbox], [type=radio], [type=range], [type=button]), textarea, select, [contenteditable]";
const PRESSING = "a, button, summary, input, select, textarea";

/** The action that opens the list of all shortcuts. */
const HELP = "?";

/** Actions that are repeated while their keys are held down. Any other could act on the next image, which nobody has seen yet. */
const REPEATED = ["j", "k", "+", "-", ",", ".", "arrowleft", "arrowright", "arrowup", "arrowdown"];

export class Shortcuts {
  /** @param {Record<string, () => void>} actions by their own keys, in lower case */
  constructor(actions) {
    /** @type {Record<string, () => void>} */
    this.actions = { ...actions, [HELP]: () => this.list() };
    byId("show-shortcuts", HTMLButtonElement).addEventListener("click", () => this.list());
    document.addEventListener("keydown", (event) => this.press(event));
    markKeys();
  }

  /** Show all shortcuts. */
  async list() {
    try {
      const { showShortcuts } = await whenLoaded(loadList());
      await showShortcuts();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      notify(error.message, { failed: true });
    }
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (preference(SINGLE_KEYS) === OFF || target.closest(TYPING) || document.querySelector("dialog[open], :popover-open")) return;
    if (event.key === "Enter" && target.closest(PRESSING)) return;
    const action = actionOf(event.key.toLowerCase());
    const act = action && this.actions[action];
    if (!act) return;
    event.preventDefault();
    if (!event.repeat || REPEATED.includes(action)) act();
  }
}
