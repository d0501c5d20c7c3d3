// @ts-check
/** The texts of the page in the user's language: files in locales/, of the same shape as those of English. */
import { prefer, preference } from "./preferences.js";

/**
 * The languages that the page offers, by their own names. Their texts are in locales/CODE.js; those of a part of the page that
 * is loaded later are in locales/PART.CODE.js, or in English if that file is missing.
 * @type {Record<string, string>}
 */
export const LANGUAGES = { en: "English", de: "Deutsch" };

/**
 * @typedef {typeof import("./locales/en.js").messages
 *   & typeof import("./locales/audit.en.js")
 *   & typeof import("./locales/batches.en.js")
 *   & typeof import("./locales/comparison.en.js")
 *   & typeof import("./locales/example.en.js")
 *   & typeof import("./locales/exports.en.js")
 *   & typeof import("./locales/hints.en.js")
 *   & typeof import("./locales/agreement.en.js")
 *   & typeof import("./locales/imagetools.en.js")
 *   & typeof import("./locales/labelledupload.en.js")
 *   & typeof import("./locales/linkedfilters.en.js")
 *   & typeof import("./locales/modelpages.en.js")
 *   & typeof import("./locales/people.en.js")
 *   & typeof import("./locales/picture.en.js")
 *   & typeof import("./locales/reading.en.js")
 *   & typeof import("./locales/pictures.en.js")
 *   & typeof import("./locales/removal.en.js")
 *   & typeof import("./locales/rowselection.en.js")
 *   & typeof import("./locales/savedviews.en.js")
 *   & typeof import("./locales/sentences.en.js")
 *   & typeof import("./locales/shortcuts.en.js")} Texts
 */

/**
 * The current texts; importers see the language change. Undefined before `loadPreferredLanguage` has been awaited; those of a
 * part of the page are there after `loadTextsOf`.
 * @type {Texts}
 */
export let text;

/** The language of the page, and that of the server's texts. */
export let language = "en";
export const SERVER_LANGUAGE = "en";

/** Locale for dates and numbers: the user's region if it uses the language of the page. */
export let locale = "en";

/** Parts of the page whose texts are loaded. @type {Set<string>} */
const parts = new Set();

/** Load the chosen language, else the browser's first supported one. */
export async function loadPreferredLanguage() {
  const wanted = [preference("language"), ...navigator.languages].map((tag) => tag?.split("-")[0]);
  await load(wanted.find((code) => code && code in LANGUAGES) ?? "en");
}

/** @param {string} code */
export async function chooseLanguage(code) {
  prefer("language", code);
  await load(code);
}

/**
 * Load the texts of a part of the page as well, which most visits do not need.
 * @param {string} part such as "modelpages"
 */
export async function loadTextsOf(part) {
  parts.add(part);
  await load();
}

/** Ends with the last load that was begun. @type {Promise<void>} */
let loading = Promise.resolve();

/**
 * Load all texts. Loads follow one another, so that none brings back an earlier language, or leaves a part out.
 * @param {string} [code] of the language; the current one if it is missing
 */
function load(code) {
  const next = () => loadTexts(code ?? language);
  // One that failed does not stop the next.
  return (loading = loading.then(next, next));
}

/** @param {string} code */
async function loadTexts(code) {
  const [{ messages }, ...others] = await Promise.all([
    import(`./locales/${code}.js`),
    ...[...parts].map((part) => import(`./locales/${part}.${code}.js`).catch(() => import(`./locales/${part}.en.js`))),
  ]);
  text = Object.assign({}, messages, ...others);
  language = code;
  locale = navigator.languages.find((tag) => tag.split("-")[0] === code) ?? code;
  document.documentElement.lang = code;
}
