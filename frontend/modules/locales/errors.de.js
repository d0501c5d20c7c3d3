// @ts-check
/** German: what the server's errors mean, by code. The server adds its own sentence about the case at hand. */

/** @type {Record<string, string>} */
export const errors = {
  // Images
  EmptyImage: "Die Datei ist leer. Kopieren oder exportieren Sie sie erneut.",
  NotAnImage: "Die Datei ist kein Bild in einem unterstützten Format. Verwenden Sie JPEG, PNG, TIFF oder DICOM.",
  DamagedImage: "Die Datei ist beschädigt oder unvollständig. Kopieren oder exportieren Sie sie erneut.",
  InvalidImage: "Angaben in der Datei fehlen oder widersprechen sich. Exportieren Sie das Bild erneut.",
  UnsupportedImage: "Diese Variante des Formats wird nicht unterstützt. Exportieren Sie das Bild unkomprimiert oder als PNG.",
  ImageError: "Dieses Bild kann nicht verwendet werden.",
  ImageTooLarge: "Das Bild ist zu groß. Verwenden Sie eine kleinere Version.",
  ImageTooSmall: "Das Bild hat zu wenige Pixel. Verwenden Sie eine größere Version.",
  NoPixels: "Diese DICOM-Datei enthält kein Bild. Verwenden Sie das zugehörige Bild.",
  FileRemoved: "Die Datei wurde entfernt oder ersetzt, bevor sie gelesen werden konnte. Senden Sie sie erneut.",
  GaveUp: "Das Bild konnte auch nach mehreren Versuchen nicht klassifiziert werden. Senden Sie es erneut.",
  RetriesExhausted: "Das Bild konnte auch nach mehreren Versuchen nicht klassifiziert werden. Senden Sie es erneut.",
  DecoderUnavailable: "Bilder können derzeit nicht gelesen werden. Versuchen Sie es erneut; am Bild liegt es nicht.",
  DecodingFailed: "Das Bild konnte nicht gelesen werden: Der Vorgang brach ab oder dauerte zu lange. Versuchen Sie es erneut; geschieht es wieder, senden Sie eine kleinere oder unkomprimierte Fassung.",

  // Requests
  AdministrationFailed: "Die Änderung ist fehlgeschlagen und vielleicht nur zum Teil geschehen. Wiederholen Sie die Anfrage.",
  InvalidRequest: "Die Anfrage ist ungültig.",
  InvalidHyperparameters: "Ein Hyperparameter ist unbekannt oder liegt außerhalb des zulässigen Bereichs.",
  ExportTooLarge: "Der Export enthält zu viele Zeilen. Wählen Sie „Großer Export“ oder einen kürzeren Zeitraum.",
  UnsupportedMediaType: "Dieser Inhaltstyp wird nicht unterstützt.",
  NotAllowed: "Ihre Rolle erlaubt diese Aktion nicht. Wenden Sie sich an die Administration dieser Installation.",
  UnknownExport: "Diesen Export gibt es nicht (mehr). Exporte werden nach sieben Tagen gelöscht.",
  ExportsNotDeployed: "In dieser Installation sind keine großen Exporte eingerichtet.",
  TooManyRequests: "Zu viele aufwendige Anfragen in kurzer Zeit. Versuchen Sie es in einigen Minuten erneut.",
  UnknownTask: "Diese Aufgabe gibt es nicht.",
  UnknownResult: "Dieses Ergebnis gibt es nicht.",
  ResultDeleted: "Dieses Ergebnis wurde endgültig gelöscht. Senden Sie das Bild erneut, um es zu klassifizieren.",
  ReviewChanged: "Die Prüfung dieses Bildes wurde inzwischen geändert. Sehen Sie sich die neue an, und entscheiden Sie erneut.",
  NoPicture: "Von diesem Bild ist keine Ansicht gespeichert. Die Modelleingabe lässt sich anzeigen.",
  TooManyReadings: "Für dieses Bild sind keine weiteren Prüfungen möglich.",
  ReviewRuleChanged: "Die Prüfregel dieses Modells wurde inzwischen geändert. Sehen Sie sich die neue an, und entscheiden Sie erneut.",
  ReviewRuleFixed: "Die Prüfregel dieses Modells kann nicht geändert werden.",
  NotClassified: "Dieses Bild ist nicht oder noch nicht klassifiziert.",
  InternalError: "Auf dem Server ist ein Fehler aufgetreten. Versuchen Sie es erneut; tritt er wieder auf, melden Sie die Anfragenummer.",

  // Models
  TaskHasNoModel: "Für diese Aufgabe gibt es noch kein Modell.",
  UnknownModel: "Diese Modellversion gibt es nicht.",
  ModelChanged: "Inzwischen ist eine andere Modellversion im Einsatz. Laden Sie die Seite neu.",
  ModelFailed: "Das Modell hat kein verwertbares Ergebnis geliefert. Versuchen Sie es erneut.",
  InvalidModelPackage: "Das Modellpaket ist unvollständig, beschädigt oder in sich widersprüchlich.",
  NothingToRollBackTo: "Es gibt keine frühere Version, die wiederhergestellt werden könnte.",
  EndpointNotReady: "Der Endpunkt der Aufgabe ist noch nicht bereit oder ausgelastet. Versuchen Sie es in einigen Minuten erneut.",
  EndpointMissing: "Der Endpunkt der Aufgabe fehlt.",
  EndpointNotChanged: "Der Endpunkt kann derzeit nicht geändert werden. Versuchen Sie es später erneut.",

  // Retraining
  UnknownRetraining: "Dieses Training gibt es nicht.",
  AlreadyRetraining: "Für diese Aufgabe läuft bereits ein Training. Warten Sie, bis es abgeschlossen ist.",
  RetrainingNotDeployed: "In dieser Installation ist kein Training von Modellen eingerichtet.",
  UnknownBatch: "Einen Stapel mit diesem Namen gibt es nicht.",
  BatchesNotDeployed: "Stapel sind in dieser Installation nicht eingerichtet.",
  NothingToStop: "Dieses Training ist beendet oder stellt sein Modell bereits bereit. Es lässt sich nicht mehr abbrechen.",
  NothingToApprove: "Dieses Training wartet nicht (mehr) auf eine Freigabe.",
  StepInterrupted: "Ein Schritt des Trainings wurde unterbrochen und wird wiederholt.",
};
