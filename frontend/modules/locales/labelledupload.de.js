// @ts-check
/** German texts of uploading labelled images. */

/** @type {typeof import("./labelledupload.en.js").labelledUpload} */
export const labelledUpload = {
  what: "Wählen Sie einen Ordner, der für jede Klasse einen Ordner mit Bildern enthält, oder ziehen Sie ihn hierher. Gesendet wird erst, wenn Sie die Klassen geprüft haben.",
  patients:
    "Namen von Dateien und Ordnern werden nicht gesendet. Bilder eines Patienten werden daher nur erkannt, wenn sie sich stark ähneln. Um " +
    "Patienten zwischen Training und Test zu trennen, kopieren Sie die Bilder stattdessen mit einem Manifest in den Datenspeicher.",
  choose: "Ordner mit annotierten Bildern",
  noFiles: "Darin sind keine Bilder.",
  noFolder: "(in keinem Ordner)",
  files: (number) => `Bilder: ${number}`,
  undecidedOption: "Klasse wählen …",
  skip: "Nicht senden",
  undecided: "Wählen Sie für jeden Ordner eine Klasse oder „Nicht senden“. Bisher wurde nichts gesendet.",
  send: "Bilder senden",
  continue: "Weiter senden",
  stop: "Anhalten",
  progress: "Fortschritt beim Senden",
  done: (done, total, sent, known) => `${done} von ${total}: ${sent} gesendet, ${known} waren schon vorhanden.`,
  finished: (sent, known, failed) => `Fertig: ${sent} gesendet, ${known} waren schon vorhanden, ${failed} sind nicht verwendbar.`,
  stopped: "Angehalten. Gesendete Bilder bleiben erhalten; Sie können jederzeit fortfahren, gesendet wird dann nur der Rest.",
  unusable: (number) => `Nicht gesendet, weil nicht verwendbar: ${number}.`,
  more: (number) => `und ${number} weitere`,
  otherClass: (label) => `dasselbe Bild wurde schon als „${label}“ hochgeladen. Entscheiden Sie, welche Klasse richtig ist.`,
  insecure: "dieser Browser erkennt Bilder nur über HTTPS wieder. Öffnen Sie die Seite unter ihrer https://-Adresse.",
};
