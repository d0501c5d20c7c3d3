/**
 * What a page in another language says in English: texts of the English locale, and sentences with English words, unless they
 * are marked with their language. `[locales, language]` are names of the parts with texts, "" for the main one.
 */
async ([parts, language]) => {
  const PLACEHOLDER = "\u00a7";
  const WORDS = / (the|The|is|are|of|with|and|not|this|This|it|It|for) /;
  const file = (part, code) => `/modules/locales/${part && `${part}.`}${code}.js`;
  const texts = async (code) =>
    (await Promise.all(parts.map((part) => import(file(part, code))))).flatMap((module) => Object.values(module).flatMap(strings));

  function strings(value) {
    if (typeof value === "string") return [value.trim()];
    if (typeof value === "function") return attempt(() => strings(value(...Array(6).fill(PLACEHOLDER))));
    return value && typeof value === "object" ? Object.values(value).flatMap(strings) : [];
  }

  function attempt(act) {
    try {
      return act();
    } catch {
      return []; // a function that takes other arguments
    }
  }

  const translated = new Set(await texts(language));
  const pattern = (text) => text.split(PLACEHOLDER).map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".+");
  const english = (await texts("en"))
    .filter((text) => !translated.has(text) && /[A-Za-z]{3}/.test(text.replaceAll(PLACEHOLDER, "")))
    .map((text) => new RegExp(`^${pattern(text)}$`));
  const isEnglish = (text) => english.some((one) => one.test(text)) || WORDS.test(` ${text} `);

  const said = new Set();
  const say = (element, text) => {
    const trimmed = text.trim().replace(/\s+/g, " ");
    if (trimmed && element.closest("[lang]").lang === language && !element.closest("code, script, style, noscript")) said.add(trimmed);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) say(node.parentElement, node.data);
  for (const element of document.body.querySelectorAll("*")) {
    for (const name of ["aria-label", "aria-description", "aria-valuetext", "title", "placeholder", "alt"]) {
      if (element.hasAttribute(name)) say(element, element.getAttribute(name));
    }
  }
  return [...said].filter(isEnglish);
};
