// @ts-check
/** Groups of tools that are shown below the buttons when they are wanted, one at a time. */
import { element } from "./dom.js";
import { toolButton } from "./toolbutton.js";

/**
 * @typedef {object} Menu
 * @property {Parameters<typeof toolButton>[0]} id of its button
 * @property {HTMLElement} element
 * @property {(open: boolean) => void} [onToggle]
 */

export class ToolMenus {
  /** @param {Menu[]} menus */
  constructor(menus) {
    this.menus = menus.map((menu) => ({ ...menu, button: toolButton(menu.id, () => this.toggle(menu.id)) }));
    for (const { id, element: box, button } of this.menus) {
      Object.assign(box, { id: `${id}-menu`, hidden: true, className: "tool-menu" });
      box.setAttribute("role", "group");
      box.setAttribute("data-label", `imageTools.names.${id}`);
      button.setAttribute("aria-controls", box.id);
      button.ariaExpanded = "false";
      box.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        // It closes the menu only.
        event.preventDefault();
        this.toggle(id);
        button.focus();
      });
    }
    this.buttons = element("div", { className: "tool-group" }, ...this.menus.map(({ button }) => button));
  }

  /** The menus as they are in the page, after the buttons. */
  get elements() {
    return this.menus.map(({ element: box }) => box);
  }

  /** @param {string} id of the menu to open, or to close if it is open; any other closes */
  toggle(id) {
    const chosen = this.menus.find((menu) => menu.id === id && menu.element.hidden);
    for (const menu of this.menus) if (!menu.element.hidden) this.set(menu, false);
    if (chosen) this.set(chosen, true);
  }

  /**
   * @param {ToolMenus["menus"][number]} menu
   * @param {boolean} open
   */
  set({ element: box, button, onToggle }, open) {
    box.hidden = !open;
    button.ariaExpanded = String(open);
    onToggle?.(open);
  }

  /** @param {string} id of the menu to open */
  open(id) {
    if (this.menus.find((menu) => menu.id === id)?.element.hidden) this.toggle(id);
  }
}
