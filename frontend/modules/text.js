// @ts-check
/** The words of the page in the reader's language. A language is a file in locales/ of the same shape as locales/en.js. */
import { prefer, preference } from "./preferences.js";

/** Each language by its own name, as its readers look for it. */
export const LANGUAGES = { en: "English", de: "Deutsch" };

/** @typedef {typeof import("./locales/en.js").messages & { records: typeof import("./locales/records.en.js").records }} Words */

/**
 * Every importer sees the language change. There is none before `loadPreferredLanguage` has been awaited, and of models and
 * retrainings it speaks when `loadRecordsText` has been.
 * @type {Words}
 */
export let text;

/** The language spoken, and that of the server's own sentences and names, which is always English. */
export let language = "en";
export const SERVER_LANGUAGE = "en";

/** For dates and numbers: the reader's own region where it speaks the language of the page. */
export let locale = "en";

/** Speak the language chosen earlier, else the first of the browser's that there is. */
export async function loadPreferredLanguage() {
  const wanted = [preference("language"), ...navigator.languages].map((tag) => tag?.split("-")[0]);
  await speak(wanted.find((code) => code && code in LANGUAGES) ?? "en");
}

/** @param {string} code */
export async function chooseLanguage(code) {
  prefer("language", code);
  await speak(code);
}

let recordsLoaded = false;

/** Know the words for models and retrainings, too, which most readers never need. */
export async function loadRecordsText() {
  recordsLoaded = true;
  await speak(language);
}

/** @param {string} code */
async function speak(code) {
  const { messages } = await (code === "de" ? import("./locales/de.js") : import("./locales/en.js"));
  text = /** @type {Words} */ (recordsLoaded ? { ...messages, records: await recordsText(code) } : messages);
  language = code;
  locale = navigator.languages.find((tag) => tag.split("-")[0] === code) ?? code;
  document.documentElement.lang = code;
}

/** @param {string} code */
const recordsText = async (code) =>
  (code === "de" ? await import("./locales/records.de.js") : await import("./locales/records.en.js")).records;
