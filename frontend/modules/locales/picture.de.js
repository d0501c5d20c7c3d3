// @ts-check
/** German texts about the origin of pictures. */

export const picture = {
  display: (/** @type {string} */ size) => `Bildansicht, ${size}`,
  reduced: (/** @type {string} */ size, /** @type {string} */ original) => `Bildansicht, ${size} (Original: ${original})`,
  frame: (/** @type {string} */ frame, /** @type {string} */ frames) => `Einzelbild ${frame} von ${frames}`,
  notStored: "keine Bildansicht gespeichert",
  notLoaded: "Bildansicht konnte nicht geladen werden",
  windowOfFile: (/** @type {string} */ name) => `Datei: ${name}`,
  nthWindowOfFile: (/** @type {string} */ number) => `Datei: Fenster ${number}`,
  gone: "Das Bild zu diesem Ergebnis ist nicht gespeichert, weil es auf diesem Gerät klassifiziert wurde. Bilder bleiben nur " +
    "erhalten, bis die Seite neu geladen wird. Wählen Sie die Datei noch einmal aus, um das Bild zu sehen.",
  unreadable: "Diese Datei konnte nicht als Bild gelesen werden. Es gibt nichts anzuzeigen.",
  missing: "Der Server hat zu diesem Bild keine Ansicht, oder er ist nicht erreichbar. Versuchen Sie es später erneut, oder wählen Sie die " +
    "Datei noch einmal aus.",
  frames: {
    label: "Einzelbild",
    position: (/** @type {string} */ frame, /** @type {string} */ frames) => `${frame} von ${frames}`,
    modelSaw: (/** @type {string} */ frame) => `das Modell sah Einzelbild ${frame}`,
    modelSawThis: "das Modell sah dieses",
    loading: "wird geladen …",
    kept: (/** @type {string} */ kept, /** @type {string} */ frames) => `${kept} von ${frames} Einzelbildern können angezeigt werden.`,
    back: "Klassifiziertes Einzelbild",
    backHint: "Das klassifizierte Einzelbild anzeigen",
    wheel: "Blättern Sie mit Umschalttaste und Mausrad.",
    hint: "Die Heatmap gehört nur zum klassifizierten Einzelbild.",
    failed: "Dieses Einzelbild kann nicht angezeigt werden.",
    notLoaded: "Die übrigen Einzelbilder dieses Bildes konnten nicht geladen werden.",
  },
};
