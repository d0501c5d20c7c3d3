// @ts-check
/** German texts of exports of any size. */

/** @type {typeof import("./exports.en.js").exports} */
export const exports = {
  heading: "Großer Export",
  explanation:
    "Schreibt alle Ergebnisse, auf die die Filter der Arbeitsliste zutreffen, in eine Datei, wie viele es auch sind. Das dauert " +
    "einige Minuten und läuft weiter, wenn Sie diese Seite schließen. Die Zeilen sind nicht sortiert.",
  format: "Format",
  formats: { csv: "CSV, für Tabellenprogramme", parquet: "Parquet, für Datenwerkzeuge" },
  short: { csv: "CSV", parquet: "Parquet" },
  start: "Export starten",
  started: "Der Export hat begonnen.",
  own: "Ihre Exporte",
  kept: "Sie werden nach sieben Tagen gelöscht.",
  allTasks: "Alle Aufgaben",
  filtered: "gefiltert",
  steps: { reading: "Schritt 1 von 2: Die Ergebnisse werden kopiert …", writing: "Schritt 2 von 2: Die Datei wird geschrieben …" },
  progress: (what) => `Fortschritt des Exports ${what}`,
  finished: (shown, rows, size) => `Fertig: ${shown} ${rows === 1 ? "Zeile" : "Zeilen"}, ${size}`,
  ends: { finished: "Gelöscht.", failed: "Fehlgeschlagen. Starten Sie ihn erneut.", stopped: "Gestoppt." },
  stop: "Stoppen",
  stopOne: (what, at) => `Den Export ${what} vom ${at} stoppen`,
  download: "Herunterladen",
  downloadOne: (what, at) => `Den Export ${what} vom ${at} herunterladen`,
  close: "Schließen",
};
