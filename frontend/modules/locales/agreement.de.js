// @ts-check
/** German texts of the agreement of readers. */

/** @type {typeof import("./agreement.en.js").agreement} */
export const agreement = {
  heading: "Übereinstimmung der Prüfer",
  what: (images) =>
    `Geprüfte Bilder: ${images}. Es zählt die letzte Prüfung jedes Prüfers. Prüfungen, die nicht blind waren, können dem gefolgt sein, was der Prüfer sah.`,
  none: "Niemand hat Bilder dieser Auswahl geprüft.",
  noPairs: "Kein Bild wurde von zwei Personen geprüft.",
  incomplete: (when) => `Unvollständig: Die Zeit reichte nur für Bilder, die seit ${when} eingegangen sind. Wählen Sie einen kürzeren Zeitraum.`,
  readers: "Prüfer untereinander",
  withModel: "Prüfer und Modell",
  pair: "Paar",
  images: "Bilder",
  agreement: "Übereinstimmung (95-%-Intervall)",
  kappa: "Cohens Kappa (95-%-Intervall)",
  blind: "Blind geprüft",
  model: "Modell",
};
