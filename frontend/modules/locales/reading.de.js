// @ts-check
/** German texts of blind reading, of second readers, and of their disagreements. */

/** @type {typeof import("./reading.en.js").reading} */
export const reading = {
  heading: "Prüfen",
  blind: "Blind prüfen",
  blindMeaning: "Verbirgt die Antwort des Modells und andere Prüfungen eines Bildes, bis Sie Ihre gespeichert haben.",
  second: "Zweitprüfung",
  secondMeaning: "Ihre Prüfung wird neben der einer anderen Person gespeichert und ersetzt sie nicht.",
  hidden: "Blinde Prüfung: Die Antwort des Modells und andere Prüfungen erscheinen, sobald Sie Ihre gespeichert haben.",
  noConfirm: "Blinde Prüfung: Wählen Sie eine Klasse mit ihrer Schaltfläche oder Ziffer.",
  yours: "Sie: ",
  withModel: { same: "Übereinstimmung mit dem Modell", other: "Keine Übereinstimmung mit dem Modell" },
  withReview: { same: ", Übereinstimmung mit der anderen Prüfung", other: ", keine Übereinstimmung mit der anderen Prüfung" },
  settled: "Entschieden als",
  disagreement: "Prüfer uneinig",
  settleHint: "Wählen Sie, welche Prüfung gilt. Ihre Entscheidung wird zur geltenden Prüfung.",
  settleAs: "Entscheiden als ",
  settledNow: "Entschieden.",
  marks: { blind: "blind", adjudication: "hat die Uneinigkeit entschieden", withdrawn: "zurückgenommen" },
};
