// @ts-check
/** The words of the page in the reader's language. A language is a file in words/ of the same shape as words/en.js. */
import { prefer, preference } from "./preferences.js";

/** Each language by its own name, as its readers look for it. */
export const LANGUAGES = { en: "English", de: "Deutsch" };

/** @typedef {typeof import("./words/en.js").words & { records: typeof import("./words/records.en.js").records }} Words */

/**
 * Every importer sees the language change. There is none before `speakAsPreferred` has been awaited, and of models and
 * retrainings it speaks when `speakOfRecords` has been.
 * @type {Words}
 */
export let text;

/** The language spoken, and that of the server's own sentences and names, which is always English. */
export let language = "en";
export const SERVER_LANGUAGE = "en";

/** For dates and numbers: the reader's own region where it speaks the language of the page. */
export let locale = "en";

/** Speak the language chosen earlier, else the first of the browser's that there is. */
export async function speakAsPreferred() {
  const wanted = [preference("language"), ...navigator.languages].map((tag) => tag?.split("-")[0]);
  await speak(wanted.find((code) => code && code in LANGUAGES) ?? "en");
}

/** @param {string} code */
export async function chooseLanguage(code) {
  prefer("language", code);
  await speak(code);
}

let ofRecords = false;

/** Know the words for models and retrainings, too, which most readers never need. */
export async function speakOfRecords() {
  ofRecords = true;
  await speak(language);
}

/** @param {string} code */
async function speak(code) {
  const { words } = await (code === "de" ? import("./words/de.js") : import("./words/en.js"));
  text = /** @type {Words} */ (ofRecords ? { ...words, records: await recordWords(code) } : words);
  language = code;
  locale = navigator.languages.find((tag) => tag.split("-")[0] === code) ?? code;
  document.documentElement.lang = code;
}

/** @param {string} code */
const recordWords = async (code) =>
  (code === "de" ? await import("./words/records.de.js") : await import("./words/records.en.js")).records;
