// @ts-check
/** The settings dialog: language, theme, and the file names that are kept. */
import { byId, element, fill, lazily } from "./dom.js";
import { countNames, forgetNames } from "./filenames.js";
import { count } from "./format.js";
import { prefer, preference } from "./preferences.js";
import { LANGUAGES, chooseLanguage, language, text } from "./text.js";

const loadReading = lazily(() => import("./readingsettings.js"));

/**
 * @param {() => void} onLanguage called when the language has changed
 * @param {object} [listeners] of a signed-in user
 * @param {() => void} [listeners.onForget] called when all file names have been forgotten
 * @param {() => void} [listeners.onReading] called when the user chose to read otherwise
 */
export function offerSettings(onLanguage, { onForget = () => {}, onReading } = {}) {
  const languages = byId("language", HTMLSelectElement);
  const themes = byId("theme", HTMLSelectElement);
  const show = () => {
    showNames();
    if (onReading) loadReading().then(({ offerReading }) => offerReading(onReading), () => {});
  };
  fill(languages, ...Object.entries(LANGUAGES).map(([code, name]) => element("option", { value: code, lang: code }, name)));
  languages.value = language;
  languages.addEventListener("change", async () => {
    await chooseLanguage(languages.value);
    nameThemes(themes);
    show();
    onLanguage();
  });
  nameThemes(themes);
  themes.value = preference("theme") ?? "auto";
  themes.addEventListener("change", () => {
    prefer("theme", themes.value);
    document.documentElement.dataset.theme = themes.value;
  });
  byId("settings", HTMLElement).addEventListener("beforetoggle", show);
  byId("show-hints", HTMLButtonElement).addEventListener("click", () => {
    byId("settings", HTMLElement).hidePopover();
    import("./hints.js").then(({ showHints }) => showHints(), () => {});
  });
  byId("forget-names", HTMLButtonElement).addEventListener("click", async () => {
    await forgetNames();
    showNames();
    onForget();
  });
}

/** Say how many file names this browser keeps. */
function showNames() {
  byId("kept-names", HTMLElement).textContent = text.settings.names(count(countNames()));
  byId("forget-names", HTMLButtonElement).disabled = countNames() === 0;
}

/** @param {HTMLSelectElement} select */
function nameThemes(select) {
  const chosen = select.value;
  fill(select, ...Object.entries(text.settings.themes).map(([value, label]) => element("option", { value }, label)));
  select.value = chosen || "auto";
}
