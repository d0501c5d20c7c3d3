// @ts-check
/** German texts of the comparison of two results. See comparison.en.js for what the functions take. */

/** @type {typeof import("./comparison.en.js").comparison} */
export const comparison = {
  heading: "Vergleich",
  open: "Geöffnetes Bild",
  beside: "Bild daneben",
  describe: (verdict) => `Daneben: ${verdict}`,
  previous: "Voriges daneben",
  next: "Nächstes daneben",
  pick: "In der Liste wählen",
  picking: "Wählen Sie ein Ergebnis in der Liste. Esc führt zurück.",
  linked: "Zoom, Ausschnitt und Fenster koppeln",
  nowLinked: "Zoom, Ausschnitt und Fenster sind gekoppelt.",
  nowUnlinked: "Zoom, Ausschnitt und Fenster sind nicht gekoppelt.",
  acting: "Werkzeuge wirken auf",
  openIt: "Öffnen",
  end: "Vergleich beenden",
  ended: "Der Vergleich ist beendet.",
  none: "Die Liste enthält kein weiteres klassifiziertes Bild dieser Aufgabe.",
  same: "Dieses Bild ist schon geöffnet. Wählen Sie ein anderes.",
  unclassified: "Zu diesem Bild gibt es keine Antwort, die sich vergleichen lässt. Wählen Sie ein anderes.",
  otherTask: "Dieses Bild gehört zu einer anderen Aufgabe. Wählen Sie eines derselben Aufgabe.",
};
