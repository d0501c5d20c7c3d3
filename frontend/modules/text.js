// @ts-check
/** The texts of the page in the user's language. Each language is a file in locales/ with the same shape as locales/en.js. */
import { prefer, preference } from "./preferences.js";

/** The languages, by their own names. */
export const LANGUAGES = { en: "English", de: "Deutsch" };

/** @typedef {typeof import("./locales/en.js").messages & { modelPages: typeof import("./locales/modelpages.en.js").modelPages }} Texts */

/**
 * The current texts; importers see the language change. Undefined before `loadPreferredLanguage` has been awaited; texts
 * about models and retraining are there after `loadModelPagesText`.
 * @type {Texts}
 */
export let text;

/** The language of the page, and that of the server's texts. */
export let language = "en";
export const SERVER_LANGUAGE = "en";

/** Locale for dates and numbers: the user's region if it uses the language of the page. */
export let locale = "en";

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

let modelPagesLoaded = false;

/** Load the texts about models and retraining as well, which most visits do not need. */
export async function loadModelPagesText() {
  modelPagesLoaded = true;
  await load(language);
}

/** @param {string} code */
async function load(code) {
  const { messages } = await (code === "de" ? import("./locales/de.js") : import("./locales/en.js"));
  text = /** @type {Texts} */ (modelPagesLoaded ? { ...messages, modelPages: await modelPagesText(code) } : messages);
  language = code;
  locale = navigator.languages.find((tag) => tag.split("-")[0] === code) ?? code;
  document.documentElement.lang = code;
}

/** @param {string} code */
const modelPagesText = async (code) =>
  (code === "de" ? await import("./locales/modelpages.de.js") : await import("./locales/modelpages.en.js")).modelPages;
