// @ts-check
/** German texts of the example images. */

/** @import { example as English } from "./example.en.js" */

/** @type {typeof English} */
export const example = {
  name: "Beispiel",
  heading: "Ein Beispielbild",
  drawn: "Dieses Bild ist eine Zeichnung und zeigt keinen Patienten. Das Modell kann feststellen, dass es von echten Bildern abweicht.",
  from: "Quelle:",
  resized: "verkleinert. Das Bild stammt aus dem Datensatz, mit dem das Modell trainiert wurde.",
  unstored:
    "Es wurde wie jedes andere Bild klassifiziert. Weder das Bild noch dieses Ergebnis wird gespeichert; es steht daher in keiner Liste " +
    "und kann nicht geprüft werden.",
  own: "Eigene Bilder hinzufügen",
};
