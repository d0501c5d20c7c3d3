// @ts-check
/** German texts of selecting rows of the worklist. */

/** @type {typeof import("./rowselection.en.js").rowSelection} */
export const rowSelection = {
  heading: "Ausgewählte Ergebnisse",
  selected: (count) => `${count} ausgewählt`,
  all: (count) => `Alle ${count}`,
  upTo: (count) => `Alle, höchstens ${count}`,
  none: "Keine",
  progress: "Fortschritt",
  stop: "Anhalten",
  undo: "Rückgängig",
  confirm: (count) => `${count} bestätigen`,
  confirmed: (count) => `Bestätigt: ${count}.`,
  undone: (count) => `Zurückgenommen: ${count}.`,
  overtaken: (count) => `Inzwischen von anderen geändert und unverändert gelassen: ${count}.`,
  failed: (count, why) => `Fehlgeschlagen und noch ausgewählt: ${count}. ${why}`,
  skipped: (count) => `Nicht begonnen: ${count}.`,
};
