// @ts-check
/** Building and finding elements. Data only ever enters the page as text, never as markup. */
import { SERVER_LANGUAGE, language, text } from "./text.js";

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * Make an element. `properties` are DOM properties (className, href, hidden …); `aria-*`, `data-*` and `role` are attributes.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...Child} children left out where null, undefined or false
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
 * Put children in place of what an element holds.
 * @param {Element} parent
 * @param {...Child} children left out where null, undefined or false
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...present(children));
}

/**
 * Words of the server: names of tasks and classes, and its own sentences. Who listens hears them in their language.
 * @param {string} words
 */
export function serverText(words) {
  return language === SERVER_LANGUAGE ? element("span", {}, words) : element("span", { lang: SERVER_LANGUAGE }, words);
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

/** Put the words of text.js into the elements of index.html that ask for them. */
export function fillStaticText() {
  for (const asking of document.querySelectorAll("[data-text]")) {
    asking.textContent = words(asking.getAttribute("data-text") ?? "");
  }
  for (const asking of document.querySelectorAll("[data-label]")) {
    asking.setAttribute("aria-label", words(asking.getAttribute("data-label") ?? ""));
  }
  for (const asking of document.querySelectorAll("[data-title]")) {
    asking.setAttribute("title", words(asking.getAttribute("data-title") ?? ""));
  }
}

/**
 * @param {string} path such as "worklist.heading"
 * @returns {string}
 */
function words(path) {
  /** @type {unknown} */
  let found = text;
  for (const part of path.split(".")) found = /** @type {Record<string, unknown>} */ (found ?? {})[part];
  if (typeof found !== "string") throw new Error(`text.js has no words for ${path}`);
  return found;
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function present(children) {
  return /** @type {(Node | string)[]} */ (children.filter((child) => child !== null && child !== undefined && child !== false));
}
