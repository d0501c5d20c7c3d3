// @ts-check
/** Creates and finds elements. Data enters the page as text only, never as markup. */
import { SERVER_LANGUAGE, language, text } from "./text.js";

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * Create an element. `properties` are DOM properties (className, href, hidden …); `aria-*`, `data-*` and `role` are attributes.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...Child} children skipped if null, undefined or false
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (/^(aria-|data-|role$)/.test(name)) made.setAttribute(name, String(value));
    else Reflect.set(made, name, value);
  }
  made.append(...present(children));
  return made;
}

/**
 * Replace an element's children.
 * @param {Element} parent
 * @param {...Child} children skipped if null, undefined or false
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...present(children));
}

/**
 * Text from the server, such as titles of tasks and classes. It is marked as English, so that screen readers pronounce it correctly.
 * @param {string} content
 */
export function serverText(content) {
  return language === SERVER_LANGUAGE ? element("span", {}, content) : element("span", { lang: SERVER_LANGUAGE }, content);
}

/**
 * The element of index.html with this id and class.
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} with id ${id}`);
  return found;
}

/**
 * Save a file on this device.
 * @param {Blob} content
 * @param {string} name
 */
export function save(content, name) {
  const address = URL.createObjectURL(content);
  element("a", { href: address, download: name }).click();
  // Some browsers begin to read it only after the click.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Fill the elements of index.html that name a text with `data-text`, `data-label` or `data-title`. */
export function fillStaticText() {
  for (const target of document.querySelectorAll("[data-text]")) {
    target.textContent = textAt(target.getAttribute("data-text") ?? "");
  }
  for (const target of document.querySelectorAll("[data-label]")) {
    target.setAttribute("aria-label", textAt(target.getAttribute("data-label") ?? ""));
  }
  for (const target of document.querySelectorAll("[data-title]")) {
    target.setAttribute("title", textAt(target.getAttribute("data-title") ?? ""));
  }
}

/**
 * @param {string} path such as "worklist.heading"
 * @returns {string}
 */
function textAt(path) {
  /** @type {unknown} */
  let found = text;
  for (const part of path.split(".")) found = /** @type {Record<string, unknown>} */ (found ?? {})[part];
  if (typeof found !== "string") throw new Error(`The locale has no text for ${path}`);
  return found;
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function present(children) {
  return /** @type {(Node | string)[]} */ (children.filter((child) => child !== null && child !== undefined && child !== false));
}
