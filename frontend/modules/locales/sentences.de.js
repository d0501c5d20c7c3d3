// @ts-check
/** German texts for what is stored in English with models and retrainings. */

/** @import * as English from "./sentences.en.js" */

/** @type {typeof English.sentences} */
export const sentences = {
  notDefined: () => "nicht definiert",
  firstModel: () => "Es erreicht alle Mindestwerte der Aufgabe; ein Modell zum Vergleichen gibt es nicht.",
  better: ({ sure, gain }) =>
    `Es erreicht alle Mindestwerte der Aufgabe und ist besser als das aktuelle (Wahrscheinlichkeit ${sure} %, Genauigkeit ` +
    `${/\d/.test(gain) ? `${gain} Prozentpunkte` : gain}).`,
  tooLow: ({ metric, value, least }) => `${metric}: ${value}; die Aufgabe verlangt mindestens ${least}.`,
  lessSensitive: ({ label, fall, allowed }) =>
    `Die Sensitivität für „${label}“ sinkt um ${fall} Prozentpunkte; erlaubt sind ${allowed}.`,
  notBetter: ({ sure, needed }) => `Mit einer Wahrscheinlichkeit von ${sure} % ist es besser als das aktuelle Modell; nötig sind ${needed} %.`,
  manyDecisions: ({ number }) =>
    `Dies war die Entscheidung Nr. ${number} mit diesen Testbildern; je mehr sie entscheiden, desto eher besteht ein Modell durch Zufall.`,
  perhapsSeen: () =>
    "Es ist nicht bekannt, ob das aktuelle Modell mit einigen dieser Testbilder trainiert wurde; falls ja, sieht es besser aus, als es ist.",
  allSeen: () => "Das aktuelle Modell wurde mit allen diesen Testbildern trainiert; es sieht daher besser aus, als es ist.",
  someSeen: ({ seen, images }) =>
    `Das aktuelle Modell wurde mit ${seen} der ${images} Testbilder trainiert; sie sind vom Vergleich ausgenommen.`,
  bundled: () => "Es wurde mit der Anwendung ausgeliefert.",
  deployed: ({ version }) => `Ab jetzt klassifiziert ${version}.`,
  currentStays: () => "Das aktuelle Modell bleibt im Einsatz.",
  late: () => "Das neue Modell wurde nicht rechtzeitig freigegeben.",
  declined: ({ who }) => `Das neue Modell wurde von ${who} abgelehnt.`,
  unchanged: () =>
    "Das aktuelle Modell wurde mit genau diesen Bildern und Annotationen trainiert; es gibt nichts Neues zu lernen. Wählen Sie, auch ohne " +
    "Änderungen zu trainieren, um es dennoch zu tun.",
  unrecorded: ({ version }) => `Ab jetzt klassifiziert ${version}; das konnte jedoch nicht festgehalten werden.`,
  unrecordedRollback: ({ version }) =>
    `${version} ging in Betrieb und wurde durch die vorherige Version ersetzt; das konnte jedoch nicht festgehalten werden.`,
  stoppedByAdmin: () => "Es wurde von einer Administratorin oder einem Administrator gestoppt.",
  stopped: () => "Es wurde gestoppt.",
  timedOut: () => "Es hat seine Zeitgrenze überschritten.",
  failed: () => "Es ist fehlgeschlagen.",
  unknownEnd: () => "Es ist abgeschlossen, das Ergebnis wurde jedoch nicht festgehalten.",
  expired: () => "Der Verlauf ist nicht mehr gespeichert; das Ergebnis ist nicht bekannt.",
  stoppedAfter: ({ version }) => `${version} ging in Betrieb; das Training wurde danach gestoppt.`,
  running: ({ task, name }) => `Für „${task}“ läuft bereits das Training ${name}. Warten Sie, bis es abgeschlossen ist, oder stoppen Sie es.`,
  jobStopped: () => "Der Job wurde gestoppt oder hat seine Zeitgrenze überschritten.",
  notRolledBack: () => "Das Training ist fehlgeschlagen, und seine Bereitstellung konnte nicht rückgängig gemacht werden:",
  finishesRollback: () =>
    "Das aktuelle Modell klassifiziert, wenn nötig aus seinem Paket. Beheben Sie die Ursache und starten Sie erneut ein Training dieser " +
    "Aufgabe: Es macht die Bereitstellung zuerst rückgängig.",
  endpointStays: ({ endpoint }) =>
    `Der Endpunkt ${endpoint} bleibt für eine Rückkehr zum vorherigen Modell bestehen, bis zum nächsten neuen Modell oder \`make idle\`.`,
  endpointGone: ({ endpoint }) =>
    `Seinen Endpunkt ${endpoint} gibt es nicht mehr; die Lambda-Funktion führt das Modell aus, bis \`make wake\` ihn wieder erstellt.`,
  quota: () =>
    "Beantragen Sie unter Service Quotas (Amazon SageMaker) ein höheres Kontingent, oder stellen Sie mit INSTANCE= einen anderen " +
    "Instanztyp ein, und starten Sie erneut.",
  DataFailed: () => "Beheben Sie die Ursache, die im Datensatz liegen kann, und starten Sie erneut.",
  TuningFailed: ({ log }) =>
    `Die Protokolle der Trainingsjobs stehen in ${log}. Starten Sie erneut, mit weniger Versuchen oder ohne Optimierung.`,
  TrainingFailed: ({ log }) => `Das Protokoll steht in ${log}. Korrigieren Sie die Daten oder die Hyperparameter und starten Sie erneut.`,
  RegistrationFailed: ({ log }) => `Was der Trainingsjob verpackt hat, steht in seinem Protokoll in ${log}. Starten Sie erneut.`,
  EvaluationFailed: ({ transform, evaluation }) =>
    `Siehe das Protokoll der Klassifikation (${transform}) oder das der Bewertung (${evaluation}). Starten Sie erneut.`,
  ApprovalFailed: () => "Starten Sie erneut, oder ohne eine Freigabe zu verlangen.",
  DeploymentFailed: ({ log }) =>
    `Warum der Endpunkt nicht gestartet ist oder mit Fehlern geantwortet hat, steht in seinem Protokoll in ${log}. Das vorherige Modell ist weiter im Einsatz. Starten Sie ` +
    "erneut, oder wählen Sie in der Datei der Aufgabe unter [serving] eine andere Art von Endpunkt.",
  SmokeTestFailed: () =>
    "Die Ergebnisse des Endpunkts weichen von denen der Bewertung ab. Das vorherige Modell ist weiter im Einsatz. Vergleichen Sie die " +
    "Container von Training und Endpunkt, und starten Sie erneut.",
  PromotionFailed: () => "Das vorherige Modell ist weiter im Einsatz. Starten Sie erneut.",
};

/** @type {typeof English.plotWords} */
export const plotWords = {
  // Captions
  "Confusion matrix": "Konfusionsmatrix",
  "ROC curves": "ROC-Kurven",
  "Precision over recall": "Positiver Vorhersagewert über der Sensitivität",
  "Reliability diagram": "Zuverlässigkeitsdiagramm",
  "Accuracy over the share of the most certain images": "Genauigkeit über dem Anteil der sichersten Bilder",
  // Titles
  "Confusion matrix: images, and their share of the true class": "Konfusionsmatrix: Bilder und ihr Anteil an der wahren Klasse",
  "Reliability: are answers right as often as they claim?": "Zuverlässigkeit: Stimmen Antworten so oft, wie sie angeben?",
  "ROC: each class against the rest": "ROC: jede Klasse gegen die übrigen",
  "Precision and recall: each class against the rest": "Positiver Vorhersagewert: jede Klasse gegen die übrigen",
  "Selective prediction: the most certain answers": "Selektive Vorhersage: die sichersten Antworten",
  // Axes
  answer: "Antwort",
  "true class": "wahre Klasse",
  "confidence (area of a point: number of images)": "Konfidenz (Fläche eines Punkts: Anzahl der Bilder)",
  "share that is right": "Anteil der richtigen",
  "1 - specificity": "1 – Spezifität",
  sensitivity: "Sensitivität",
  "recall (sensitivity)": "Sensitivität",
  precision: "positiver Vorhersagewert",
  "share of the images": "Anteil der Bilder",
  // Legends
  "before scaling": "vor der Skalierung",
  "as served": "im Einsatz",
  "by probability": "nach Wahrscheinlichkeit",
  "not marked for review": "ohne Prüfung",
  "any finding": "irgendein Befund",
  right: "richtig",
};

/** @type {typeof English.hyperparameterMeanings} */
export const hyperparameterMeanings = {
  seed: "Startwert für Gewichte, Reihenfolge und Augmentierung",
  num_seeds: "Trainings mit seed, seed + 1, …; das Paket enthält das auf den Validierungsbildern beste",
  split_seed: "Startwert der Aufteilung in Trainings-, Validierungs- und Testdaten",
  epochs: "Durchgänge durch die Trainingsbilder",
  patience: "Epochen ohne kleineren Validierungsverlust, nach denen das Training endet",
  batch_size: "Bilder je Optimierungsschritt, über alle Prozesse",
  learning_rate: "Höchstwert der Lernrate im Ein-Zyklus-Verlauf",
  warmup_fraction: "Anteil aller Schritte, in denen die Lernrate noch steigt",
  weight_decay: "Gewichtsabnahme von AdamW für die Gewichte der Faltungen und der linearen Schichten",
  frozen_blocks: "Blöcke des Netzes, vom Bild her gezählt, die ihre Startgewichte behalten",
  depthwise_filters: "Filter der Depthwise-Faltungen eines EfficientNet-Lite: behalten (kept) oder trainiert (trained), was auf einem Prozessor etwa doppelt so lange dauert",
  layer_decay: "Lernrate jedes Blocks als Anteil an der des nächsten; 1: alle gleich",
  feature_views:
    "augmentierte Ansichten jedes Trainingsbildes, für die die Ausgabe der eingefrorenen Blöcke einmal berechnet wird; 0: in jeder Epoche neue Ansichten",
  head_epochs: "Epochen, in denen nur der Kopf trainiert wird, vor den Blöcken, die nicht eingefroren sind",
  head_learning_rate: "Lernrate dieser Epochen",
  clip_grad_norm: "Norm, auf die längere Gradienten gekürzt werden",
  label_smoothing: "Anteil jedes Zielwerts, der gleichmäßig auf alle Klassen verteilt wird",
  class_weight_power: "Klassengewichte sind (1 / Häufigkeit) hoch diesem Wert: 0 alle Bilder gleich, 1 alle Klassen gleich",
  logit_adjustment: "wie weit Logits an die Klassenhäufigkeit angepasst werden: 0 behält die Häufigkeiten der Daten, 1 gleich häufige Klassen",
  ema_decay: "Abnahme je Schritt der gemittelten Gewichte, die das Modell sind",
  architecture: "das Netz: ein kleines Residualnetz oder EfficientNet-Lite, das mit ImageNet-Gewichten beginnt",
  width: "Kanäle der ersten Stufe eines Residualnetzes; das Netz verdoppelt sie dreimal",
  stem_stride: "Verkleinerung vor der ersten Stufe eines Residualnetzes: 4, oder 2 für kleine Bilder",
  padding: "schwarze Pixel rund um jedes Bild, ein Vielfaches von 8",
  alignment: "Ausrichtung der Bilder: keine (none), oder die von OCT-Schnitten (retina), in denen die Netzhaut gerade wird und was weit darüber und darunter liegt wegfällt",
  normalization:
    "der Bilder in einem Residualnetz: nach Mittelwert und Abweichung jedes Bildes, oder nach festen Zahlen, wenn es auf die Farbe ankommt",
  dropout: "Anteil der zusammengefassten Merkmale, die im Training weggelassen werden",
  mixup: "Wahrscheinlichkeit, dass die Bilder eines Stapels paarweise überblendet werden",
  cutmix: "Wahrscheinlichkeit, dass ein Teil jedes Bildes eines Stapels durch einen Teil eines anderen ersetzt wird",
  outline_weight: "Gewicht eines zusätzlichen Verlusts, der Aktivierungskarten in umrandete Befunde zieht; 0 schaltet ihn aus",
  random_erasing: "Wahrscheinlichkeit, dass ein zufälliges Rechteck eines Trainingsbildes geleert wird",
  ensemble_size: "Netze, die das Paket mittelt: die auf den Validierungsbildern besten von num_seeds",
  ensemble_average:
    "was gemittelt wird: die Ausgaben der Netze oder ihre Gewichte, was ein einziges Netz ergibt und gemeinsame Startgewichte voraussetzt; ein " +
    "Netz kommt nur hinzu, wenn das den Validierungsverlust senkt",
  validation:
    "feste Validierungsdaten oder Kreuzvalidierung: Jedes Netz hat einen anderen Teil der Bilder außerhalb der Testdaten; ensemble_size muss dann " +
    "gleich num_seeds sein, und Startgewichte dürfen nicht aus diesen Bildern stammen",
  tta: "Augmentierung beim Klassifizieren: keine, oder die der Aufgabe beim Training: Vierteldrehungen, oder alle Spiegelungen und Drehungen",
  distance_quantile: "Quantil der Abstände der Validierungsbilder, das der Schwellenwert für unbekannte Bilder ist",
  bootstrap: "Bootstrap-Stichproben jedes Konfidenzintervalls",
  precision: "Rechengenauigkeit des Trainings; auto verwendet bfloat16, wo die Hardware es kann",
  weights: "Genauigkeit der Gewichte im Paket; int8: der Faltungen, mit einer Skalierung je Kanal",
};

export const storedInEnglish = "Dieses Dokument ist in englischer Sprache gespeichert.";

/** @type {typeof English.plotHeading} */
export const plotHeading = (images, groups) => `Test: ${images} Bilder, ${groups} Patienten (oder Gruppen)`;
