// @ts-check
/** German texts of hiding and deleting results. */

/** @type {typeof import("./removal.en.js").removal} */
export const removal = {
  offer: "Ausblenden oder löschen",
  hint: "Ausgeblendete Ergebnisse lassen sich wieder einblenden. Löschen ist endgültig.",
  hideOne: "Ausblenden",
  deleteOne: "Löschen …",
  hide: (count) => `${count} ausblenden`,
  showMany: (count) => `${count} wieder einblenden`,
  delete: (count) => `${count} löschen …`,
  hidden: "Ausgeblendet.",
  hiddenMany: (count) => `Ausgeblendet: ${count}.`,
  shown: "Wieder eingeblendet.",
  shownMany: (count) => `Wieder eingeblendet: ${count}.`,
  deleted: (count) => `Endgültig gelöscht: ${count}.`,
  heading: (number, count) => (number === 1 ? "Dieses Ergebnis endgültig löschen?" : `${count} Ergebnisse endgültig löschen?`),
  consequences: [
    "Bild, Ergebnis, Heatmap und alle Prüfungen werden gelöscht. Niemand kann sie wiederherstellen.",
    "Auch die Originaldatei auf dem Server wird gelöscht, ebenso eine im Eingangsordner. Ihre eigene Kopie bleibt.",
    "Ein Modell, das mit dem Bild trainiert wurde, behält, was es gelernt hat.",
    "Das Änderungsprotokoll hält fest, wer es wann gelöscht hat.",
  ],
  deleteNow: "Endgültig löschen",
  isHidden: "Dieses Ergebnis ist ausgeblendet",
  isHiddenMeaning: "Listen, Exporte, Statistik, Drift und Trainings lassen es aus.",
  hiddenBy: (user, time) => `Ausgeblendet von ${user}, ${time}.`,
  hiddenByMe: (time) => `Von Ihnen ausgeblendet, ${time}.`,
  show: "Wieder einblenden",
};
