// @ts-check
/** Deutsch: was die Fehler des Servers bedeuten, nach ihrem Code. Das Besondere des einen Falls sagt der Server dazu. */

/** @type {Record<string, string>} */
export const errors = {
  // Bilder
  EmptyImage: "Die Datei ist leer. Kopieren oder exportieren Sie sie noch einmal.",
  NotAnImage: "Das ist kein Bild in einem bekannten Format. Senden Sie JPEG, PNG, TIFF oder DICOM.",
  DamagedImage: "Die Datei ist beschädigt oder abgeschnitten. Kopieren oder exportieren Sie sie noch einmal.",
  InvalidImage: "In der Datei fehlt etwas, oder ihre Angaben widersprechen sich. Exportieren Sie das Bild noch einmal.",
  UnsupportedImage: "Diese Variante des Formats wird hier nicht gelesen. Exportieren Sie das Bild unkomprimiert oder als PNG.",
  ImageError: "Dieses Bild lässt sich nicht verwenden.",
  ImageTooLarge: "Das Bild ist zu groß. Senden Sie eine kleinere Fassung.",
  ImageTooSmall: "Das Bild hat zu wenige Pixel.",
  NoPixels: "Diese DICOM-Datei enthält kein Bild. Senden Sie das Bild, zu dem sie gehört.",
  FileRemoved: "Die Datei wurde entfernt oder ersetzt, bevor sie gelesen werden konnte. Senden Sie sie noch einmal.",
  GaveUp: "Das Bild wurde mehrmals versucht und hat nie ein Ergebnis bekommen. Senden Sie es noch einmal.",
  RetriesExhausted: "Das Bild wurde mehrmals versucht und hat nie ein Ergebnis bekommen. Senden Sie es noch einmal.",
  DecoderUnavailable: "Komprimierte Bilder lassen sich gerade nicht lesen. Versuchen Sie es noch einmal; am Bild liegt es nicht.",

  // Anfragen
  InvalidRequest: "So lässt sich die Anfrage nicht ausführen.",
  InvalidHyperparameters: "Ein Hyperparameter ist unbekannt oder außerhalb seines Bereichs.",
  ExportTooLarge: "Die Tabelle hat mehr Zeilen, als auf einmal exportiert werden. Wählen Sie einen kürzeren Zeitraum.",
  UnsupportedMediaType: "Diese Art von Inhalt wird hier nicht angenommen.",
  NotAllowed: "Das dürfen Sie mit Ihrer Rolle nicht. Fragen Sie, wer die Benutzer dieser Installation verwaltet.",
  UnknownTask: "Diese Aufgabe gibt es nicht.",
  UnknownResult: "Dieses Ergebnis gibt es nicht.",
  NotClassified: "Dieses Bild ist nicht oder noch nicht eingeordnet.",
  InternalError: "Auf dem Server ist etwas schiefgegangen. Versuchen Sie es noch einmal; geschieht es wieder, geben Sie die Nummer der Anfrage weiter.",

  // Modelle
  TaskHasNoModel: "Für diese Aufgabe gibt es noch kein Modell.",
  UnknownModel: "Dieses Modell gibt es nicht.",
  ModelChanged: "Inzwischen ist ein anderes Modell das aktuelle. Laden Sie die Seite neu.",
  ModelFailed: "Das Modell hat keine brauchbare Antwort gegeben. Versuchen Sie es noch einmal.",
  InvalidModelPackage: "Das Modellpaket ist unvollständig oder beschädigt, oder seine Teile passen nicht zusammen.",
  NothingToRollBackTo: "Es gibt kein früheres Modell, zu dem man zurückkehren könnte.",
  EndpointNotReady: "Der Endpunkt der Aufgabe ist noch nicht bereit oder ausgelastet. Versuchen Sie es in einigen Minuten noch einmal.",
  EndpointMissing: "Der Endpunkt der Aufgabe fehlt.",
  EndpointNotChanged: "Der Endpunkt lässt sich gerade nicht ändern. Versuchen Sie es später noch einmal.",

  // Neu trainieren
  UnknownRetraining: "Dieses Training gibt es nicht.",
  AlreadyRetraining: "Diese Aufgabe wird gerade neu trainiert. Warten Sie, bis das Training fertig ist.",
  RetrainingNotDeployed: "In dieser Installation lassen sich Modelle nicht neu trainieren.",
  NothingToApprove: "Dieses Training wartet nicht (mehr) auf eine Freigabe.",
  StepInterrupted: "Ein Schritt des Trainings wurde unterbrochen und wird wiederholt.",
};
