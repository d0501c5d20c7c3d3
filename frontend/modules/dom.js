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
 * Add a style sheet that the first view does not need.
 * @param {string} name of a file in styles/
 * @returns {Promise<unknown>} settled when it is in effect
 */
export const addStyles = (name) =>
  new Promise((resolve) => {
    document.head.append(element("link", { rel: "stylesheet", href: `/styles/${name}.css`, onload: resolve, onerror: resolve }));
  });

/**
 * Replace an element's children.
 * @param {Element} parent
 * @param {...Child} children skipped if null, undefined or false
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...present(children));
}

/**
 * Text from the server. It is marked with its language, so that screen readers pronounce it correctly.
 * @param {string} content
 * @param {string} [lang] its language
 */
export const serverText = (content, lang = SERVER_LANGUAGE) => element("span", lang === language ? {} : { lang }, content);

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

/**
 * Fill the elements that name a text with `data-text`, `data-label` or `data-title`.
 * @param {ParentNode} [root] of a part of the page that was made later
 */
export function fillStaticText(root = document) {
  for (const target of root.querySelectorAll("[data-text]")) {
    target.textContent = textAt(target.getAttribute("data-text") ?? "");
  }
  for (const target of root.querySelectorAll("[data-label]")) {
    target.setAttribute("aria-label", textAt(target.getAttribute("data-label") ?? ""));
  }
  for (const target of root.querySelectorAll("[data-title]")) {
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

/**
 * What loads a module that awaits its texts. WebKit lets a second `import()` end before the module has
 * (https://bugs.webkit.org/show_bug.cgi?id=242740), so all calls share one, until it fails.
 * @template Module
 * @param {() => Promise<Module>} load
 * @returns {() => Promise<Module>}
 */
export function lazily(load) {
  /** @type {Promise<Module> | null} */
  let loading = null;
  return () =>
    (loading ??= load().catch((error) => {
      loading = null;
      throw error;
    }));
}
