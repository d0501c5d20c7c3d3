// @ts-check
/** German texts of the comparison of a model with its reviewers, and of the review rule. */

/** @type {typeof import("./people.en.js").people} */
export const people = {
  heading: "Modell und Prüfer im Vergleich · ",
  what:
    "Was Prüfer zu den Antworten des Modells gesagt haben. Ihre Prüfungen gelten hier als richtig; diese Zahlen sind also so gut wie " +
    "die Prüfungen.",
  model: "Modellversion",
  inUse: (version) => `${version} (im Einsatz)`,
  allVersions: "Alle Versionen",
  from: "Bilder von",
  to: "bis",
  none: (count, number) =>
    number === 0
      ? "Diese Version hat in diesem Zeitraum keine Antworten. Wählen Sie eine andere Version oder einen anderen Zeitraum."
      : `Von den ${count} Antworten dieser Version in diesem Zeitraum ist noch keine geprüft.`,
  incomplete: (when) =>
    `Es sind zu viele Bilder, um alle auf einmal zu zählen. Gezählt sind nur die seit ${when} eingegangenen. Wählen Sie einen kürzeren Zeitraum.`,
  bias:
    "Geprüfte Bilder sind keine Zufallsstichprobe: Bilder, für die eine Prüfung erforderlich ist, werden häufiger geprüft, und sie sind die " +
    "schwierigen. Die Zahlen aller Bilder sehen daher meist schlechter aus, als das Modell ist; vergleichen Sie die beiden Gruppen.",
  outdated: (count, number) =>
    number === 1
      ? "1 Antwort ist nicht gezählt: Sie oder ihre Prüfung nennt eine Klasse, die es in der Aufgabe nicht mehr gibt."
      : `${count} Antworten sind nicht gezählt: Sie oder ihre Prüfungen nennen Klassen, die es in der Aufgabe nicht mehr gibt.`,
  group: "Bilder",
  groups: { all: "Alle Bilder", marked: "Prüfung erforderlich", unmarked: "Keine Prüfung erforderlich" },
  answers: "Antworten",
  reviewed: "Geprüft",
  reviewedOf: (count, share) => `${count} (${share})`,
  agreement: "Bestätigt (95-%-KI)",
  countOf: (count, of) => `${count} von ${of}`,
  detailsOf: "Einzelheiten zu",
  noneInGroup: "In diesem Zeitraum ist kein Bild dieser Gruppe geprüft.",
  confusion: {
    heading: "Konfusionsmatrix",
    name: "Konfusionsmatrix: Zeilen sind Prüfungen, Spalten sind Antworten des Modells",
    meaning: "Zeilen: was die Prüfer gesagt haben; Spalten: was das Modell gesagt hat. Eine Zahl öffnet ihre Bilder in der Arbeitsliste.",
    corner: "Prüfung ↓ Modell →",
    cell: (count, number, reviewed, given) => `${count} ${number === 1 ? "Bild" : "Bilder"}, geprüft als ${reviewed}, klassifiziert als ${given}`,
  },
  perClass: "Sensitivität und Spezifität",
  className: "Klasse",
  sensitivity: "Sensitivität (95-%-KI)",
  specificity: "Spezifität (95-%-KI)",
  finding: "Irgendein Befund",
  intervals: "Die Intervalle sind 95-%-Intervalle nach Wilson. Sie berücksichtigen nicht, dass mehrere Bilder von einem Patienten sein können.",
  calibration: {
    heading: "Kalibrierung",
    meaning: "Stimmen die Wahrscheinlichkeiten, so werden so viele Antworten bestätigt, wie ihre Wahrscheinlichkeit sagt.",
    chart: "Bestätigte Antworten über ihrer Wahrscheinlichkeit, mit 95-%-Konfidenzintervallen. Die Tabelle darunter zeigt dieselben Daten.",
    caption: "Balken zeigen 95-%-Konfidenzintervalle. Die Tabelle darunter zeigt dieselben Daten.",
    agreement: "Bestätigt (95-%-KI)",
    ideal: "Wenn die Wahrscheinlichkeiten stimmten",
    bin: "Wahrscheinlichkeit",
    range: (low, high) => `${low} bis ${high}`,
    confidence: "Mittel",
    error: (value) => `Erwarteter Kalibrierungsfehler: ${value}.`,
  },
  weeks: {
    heading: "Nach Wochen",
    chart:
      "Bestätigte Antworten nach der Woche, in der die Bilder eingegangen sind, mit 95-%-Konfidenzintervallen. Die Tabelle darunter zeigt " +
      "dieselben Daten.",
    caption: "Wochen, in denen die Bilder eingegangen sind. Balken zeigen 95-%-Konfidenzintervalle. Die Tabelle darunter zeigt dieselben Daten.",
    agreement: "Bestätigt (95-%-KI)",
    week: "Woche ab",
  },
  rule: {
    heading: "Prüfregel des Modells im Einsatz",
    meaning: (probability) => `Für Antworten mit einer Wahrscheinlichkeit unter ${probability} ist eine Prüfung erforderlich.`,
    own: "Das ist die eigene Regel des Modells.",
    chosen: (who, when, own) => `Gewählt von ${who} am ${when}; die eigene Regel des Modells ist ${own}.`,
    ownAgain: (who, when) => `Das ist die eigene Regel des Modells, zu der ${who} am ${when} zurückgekehrt ist.`,
    fixed: {
      "below-gate":
        "Dieses Modell hat in seinem Test die Freigabekriterien nicht erreicht; daher ist für alle seine Antworten eine Prüfung erforderlich, " +
        "unabhängig von ihrer Wahrscheinlichkeit. Die Regel kann nicht geändert werden.",
      "no-threshold":
        "Die Wahrscheinlichkeiten dieses Modells lassen nicht erkennen, welche Antworten richtig sind; daher ist für alle eine Prüfung " +
        "erforderlich. Die Regel kann nicht geändert werden.",
      "unknown-model":
        "Über das Modell auf dem Endpunkt dieser Aufgabe ist nichts bekannt; daher kann die Regel nur in der Datei der Aufgabe geändert werden.",
    },
    right: "die Prüfregel ändern",
    slider: "Prüfung erforderlich unter",
    save: (probability) => `Auf ${probability} ändern …`,
    reset: (probability) => `Eigene Regel des Modells verwenden (${probability}) …`,
    question: (probability) => `Prüfung für Antworten unter ${probability} verlangen?`,
    forAll: (probability) =>
      `Für neue Antworten mit einer Wahrscheinlichkeit unter ${probability} ist für alle Benutzer innerhalb einer Minute eine Prüfung erforderlich.`,
    resultsStay: "Vorhandene Ergebnisse ändern sich nicht.",
    oneVersion: (version) => `Die Regel gilt nur für ${version}. Eine andere Version beginnt mit ihrer eigenen Regel.`,
    recorded: "Die Änderung wird mit Ihrer Benutzerkennung und der Zeit festgehalten.",
    change: "Regel ändern",
    changed: (probability) => `Für Antworten unter ${probability} ist ab jetzt eine Prüfung erforderlich.`,
    source: "Mit dieser Wahrscheinlichkeit",
    inTest: "Im Test des Modells",
    byReviews: "Nach den Prüfungen",
    coverage: "Ohne Prüfung (95-%-KI)",
    accuracy: "Davon richtig (95-%-KI)",
    testImages: (images, version) =>
      `Der Test: ${images} Bilder mit bekannter Klasse, die beim Training von ${version} nicht verwendet wurden. Seine Zahlen gehören zum ` +
      "Modell. Bilder, die hier klassifiziert werden, zählen darin nicht und können anders sein.",
    reviewedImages: (reviewed, answers) =>
      `Die Prüfungen: die ${reviewed} geprüften der ${answers} Bilder, die diese Version hier klassifiziert hat.`,
    fewReviews: (count, needed) => `Die Kurve der Prüfungen erscheint ab ${needed} geprüften Bildern; es sind ${count}.`,
    lines: { right: "Richtig unter denen ohne Prüfung (Test)", left: "Ohne Prüfung (Test)", confirmed: "Bestätigt unter denen ohne Prüfung (Prüfungen)" },
    chart: "Anteil der Antworten ohne Prüfung und Anteil der richtigen darunter, über der kleinsten Wahrscheinlichkeit ohne Prüfung.",
    caption:
      "Über der kleinsten Wahrscheinlichkeit ohne Prüfung. Die senkrechte Linie ist die Regel. Zwischen den Klassen der Kalibrierung des Tests " +
      "sind die Zahlen interpoliert.",
    ownInTest: (share, accuracy) =>
      `Mit seiner eigenen Regel war im Test des Modells für ${share} der Bilder eine Prüfung erforderlich; vom Rest waren ${accuracy} richtig.`,
    others: (margin) =>
      "Unabhängig von der Wahrscheinlichkeit ist eine Prüfung erforderlich, wenn ein Bild den Trainingsbildern nicht ähnelt oder die zweite " +
      `Klasse weniger als ${margin} zurückliegt.`,
  },
};
