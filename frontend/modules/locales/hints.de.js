// @ts-check
/** German texts of the hints for newcomers. */

/** @import { hints as English } from "./hints.en.js" */

/** @type {typeof English} */
export const hints = {
  number: (number, count, title) => `Hinweis ${number} von ${count}: ${title}`,
  answer: "das Ergebnis",
  answerWords:
    "Hier stehen die Klasse, ihre Wahrscheinlichkeit, und ob eine Person das Bild ansehen soll. Über dem Bild zeigt die Heatmap, worauf sich das stützt.",
  review: "Prüfen mit Tasten",
  reviewWords: (...[confirm, undo, next, help]) =>
    `${confirm} bestätigt die Klasse, 1 bis 9 weisen eine andere zu, ${undo} macht das rückgängig, und ${next} öffnet das nächste Bild. ${help} zeigt alle Tasten.`,
  waiting: "was auf Sie wartet",
  waitingWords: (filter) => `Unsichere Ergebnisse bleiben in der Arbeitsliste. Um nur diese zu sehen, wählen Sie dort unter „Anzeigen“ „${filter}“.`,
  next: "Nächster Hinweis",
  end: "Keine Hinweise mehr",
  done: "Verstanden",
};
