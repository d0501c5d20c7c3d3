// @ts-check
/** German texts of the filters that links set. */

/** @type {typeof import("./linkedfilters.en.js").linkedFilters} */
export const linkedFilters = {
  reviewedAs: (title) => `Geprüft als: ${title}`,
  model: (version) => `Modell: ${version}`,
  marked: (marked) => (marked ? "Prüfung erforderlich" : "Keine Prüfung erforderlich"),
  remove: "Alle Filter entfernen",
};
