// @ts-check
/** Keyboard shortcuts, and the dialog that lists them. Single-key shortcuts can be turned off (WCAG 2.1.4). */
import { byId, element, fill } from "./dom.js";
import { prefer, preference } from "./preferences.js";
import { text } from "./text.js";

const OFF = "off";

/** Elements in which keys already have a meaning. */
const TYPING = "input:not([type=checkbox], [type=radio], [type=range], [type=button]), textarea, select, [contenteditable]";
const PRESSING = "a, button, summary, input, select, textarea";

/** The shortcuts by group, in order; text.shortcuts has their names. */
const LIST = /** @type {const} */ ({
  images: ["open", "next", "previous"],
  review: ["classes", "confirm", "undo", "comment"],
  view: ["enlarge", "reduce", "fit", "move", "window", "invert", "heatMap", "compare"],
  page: ["pause", "help", "close"],
});

const SHOWN = /** @type {Record<string, string[]>} */ ({
  open: ["O"], next: ["J"], previous: ["K"], classes: ["1", "…", "9"], confirm: ["Enter"], undo: ["U"], comment: ["C"],
  enlarge: ["+"], reduce: ["−"], fit: ["0"], move: ["←", "↑", "→", "↓"], window: ["Shift", "← ↑ → ↓"], invert: ["I"],
  heatMap: ["H"], compare: ["B"], pause: ["P"], help: ["?"], close: ["Esc"],
});

/** Keys whose action is repeated while they are held down. Any other could act on the next image, which nobody has seen yet. */
const REPEATED = ["j", "k", "+", "-", "arrowleft", "arrowright", "arrowup", "arrowdown"];

export class Shortcuts {
  /** @param {Record<string, () => void>} actions by key, in lower case */
  constructor(actions) {
    this.actions = actions;
    this.dialog = byId("shortcuts", HTMLDialogElement);
    this.single = byId("single-keys", HTMLInputElement);
    this.single.checked = preference("keys") !== OFF;
    this.single.addEventListener("change", () => prefer("keys", this.single.checked ? "on" : OFF));
    byId("show-shortcuts", HTMLButtonElement).addEventListener("click", () => this.dialog.showModal());
    document.addEventListener("keydown", (event) => this.press(event));
    this.translate();
  }

  translate() {
    const groups = Object.entries(LIST).map(([group, names]) =>
      element(
        "section",
        {},
        element("h3", {}, text.shortcuts.groups[/** @type {keyof typeof LIST} */ (group)]),
        element(
          "dl",
          {},
          ...names.map((name) =>
            element(
              "div",
              {},
              element("dt", {}, ...SHOWN[name].flatMap((key, index) => [index ? " " : "", element("kbd", {}, key)])),
              element("dd", {}, text.shortcuts.names[name]),
            ),
          ),
        ),
      ),
    );
    fill(byId("shortcut-list", HTMLElement), ...groups);
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!this.single.checked || target.closest(TYPING) || document.querySelector("dialog[open], :popover-open")) return;
    if (event.key === "Enter" && target.closest(PRESSING)) return;
    const key = event.key.toLowerCase();
    const action = key === "?" ? () => this.dialog.showModal() : this.actions[key];
    if (!action) return;
    event.preventDefault();
    if (!event.repeat || REPEATED.includes(key)) action();
  }
}
