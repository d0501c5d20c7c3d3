// @ts-check
/** The settings dialog: language and theme. */
import { byId, element, fill } from "./dom.js";
import { prefer, preference } from "./preferences.js";
import { LANGUAGES, chooseLanguage, language, text } from "./text.js";

/** @param {() => void} onLanguage called when the language has changed */
export function offerSettings(onLanguage) {
  const languages = byId("language", HTMLSelectElement);
  const themes = byId("theme", HTMLSelectElement);
  fill(languages, ...Object.entries(LANGUAGES).map(([code, name]) => element("option", { value: code, lang: code }, name)));
  languages.value = language;
  languages.addEventListener("change", async () => {
    await chooseLanguage(languages.value);
    nameThemes(themes);
    onLanguage();
  });
  nameThemes(themes);
  themes.value = preference("theme") ?? "auto";
  themes.addEventListener("change", () => {
    prefer("theme", themes.value);
    document.documentElement.dataset.theme = themes.value;
  });
}

/** @param {HTMLSelectElement} select */
function nameThemes(select) {
  const chosen = select.value;
  fill(select, ...Object.entries(text.settings.themes).map(([value, label]) => element("option", { value }, label)));
  select.value = chosen || "auto";
}
