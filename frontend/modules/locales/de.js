// @ts-check
/** German: every text of the page except the API's own. See en.js for what the functions take. */

import { errors } from "./errors.de.js";

/** @import { messages as English } from "./en.js" */

/** @type {typeof English} */
export const messages = {
  page: {
    name: "Negatoscope",
    nav: { label: "Hauptnavigation", images: "Bilder", models: "Modelle", retrainings: "Training", batches: "Stapel" },
    shortcuts: "Tastenkürzel",
    skip: "Zum Hauptinhalt springen",
    loading: "Wird geladen …",
    disclaimer: "Nicht für den klinischen Einsatz. Negatoscope unterstützt; es stellt keine Diagnosen.",
    audit: "Änderungsprotokoll",
    apiDescription: "API-Beschreibung",
    build: (version, stage) => `Version ${version} · ${stage}`,
    title: (part) => `${part} · Negatoscope`,
  },
  login: {
    heading: "Anmelden",
    explanation:
      "Um Bilder und Ergebnisse zu sehen, benötigen Sie ein Benutzerkonto. Wenden Sie sich dafür an die Administration " +
      "dieser Installation.",
    signIn: "Anmelden",
    failed:
      "Die Anmeldung ist fehlgeschlagen. Versuchen Sie es erneut. Schlägt sie wieder fehl, wenden Sie sich an die " +
      "Administration dieser Installation.",
    handedOverHeading: "Sie sind angemeldet",
    handedOver: "Schließen Sie diesen Tab und arbeiten Sie im ursprünglichen Tab weiter.",
    ended:
      "Ihre Sitzung ist abgelaufen. Melden Sie sich in einem neuen Tab wieder an; Ihre Arbeit auf dieser Seite bleibt erhalten.",
    again: "Erneut anmelden",
    account: "Konto",
    signedInAs: "Angemeldet als",
    role: "Rolle",
    roles: {
      reader: "Leser: sieht Ergebnisse und Modelle",
      reviewer: "Prüfer: lädt auch Bilder hoch und prüft sie",
      admin: "Administrator: verwaltet auch Modelle und Training",
      none: "Noch keine. Wenden Sie sich an die Administration dieser Installation.",
    },
    signOut: "Abmelden",
    readOnly:
      "Mit Ihrer Rolle (Leser) können Sie keine Bilder hochladen. Die Rolle Prüfer vergibt die Administration dieser Installation.",
  },
  settings: {
    heading: "Einstellungen",
    language: "Sprache",
    theme: "Farbschema",
    themes: { auto: "System", light: "Hell", dark: "Dunkel" },
    hints: "Hinweise zeigen",
    names: (count) => `Dateinamen, die dieser Browser behält und nie sendet: ${count}`,
    forgetNames: "Dateinamen vergessen",
  },
  tasks: {
    choose: "Aufgabe",
    withoutModel: (title) => `${title} (noch ohne Modell)`,
    none: "Es ist keine Aufgabe eingerichtet. Legen Sie eine in chalicelib/tasks an und stellen Sie die Anwendung neu bereit.",
    unknown: "Diese Aufgabe gibt es nicht. Wählen Sie oben auf der Seite eine andere.",
    noModelHeading: "Noch kein Modell",
    noModel:
      "Für diese Aufgabe wurde noch kein Modell trainiert, sie kann daher keine Bilder klassifizieren. " +
      "Trainieren Sie eines mit annotierten Bildern oder wählen Sie eine andere Aufgabe.",
    modalities: {
      CR: "Digitale Radiographie (Speicherfolie)",
      CT: "Computertomographie",
      DX: "Digitale Radiographie",
      MG: "Mammographie",
      MR: "Magnetresonanztomographie",
      OP: "Ophthalmologische Fotografie",
      OPT: "Optische Kohärenztomographie",
      SM: "Mikroskopie",
      US: "Ultraschall",
    },
    intendedUse: "Zweckbestimmung",
    limits: "Einschränkungen",
    useAndLimits: "Zweckbestimmung und Einschränkungen",
    classes: "Klassen",
    model: "Modell",
    card: (version) => `Modellkarte ${version}`,
    trained: (date) => `trainiert am ${date}`,
    onEndpoint: (name) => `Bereitgestellt über den SageMaker-Endpunkt ${name}. Jedes Ergebnis nennt die Modellversion, die es berechnet hat.`,
    tested: "Güte auf zurückgehaltenen Testbildern",
    metrics: {
      accuracy: "Genauigkeit",
      balanced_accuracy: "Balancierte Genauigkeit",
      macro_f1: "Macro-F1",
      auc: "Fläche unter der ROC-Kurve",
    },
    short: (name, value, minimum) => `${name} ${value}, gefordert ${minimum}`,
    weak: (shortfall) =>
      `Dieses Modell hat im Test die geforderte Güte nicht erreicht (${shortfall}). Jedes Ergebnis muss von einer Person geprüft werden.`,
    interval: (value, low, high) => `${value} (95-%-KI ${low} bis ${high})`,
  },
  lightBox: {
    heading: "Leuchtkasten",
    choose: "Bilder auswählen …",
    chooseNext: "Bilder auswählen …",
    chooseFolder: "Ordner auswählen …",
    camera: "Foto aufnehmen",
    example: "Beispiel öffnen",
    cameraNext: "Foto",
    readOnlyHeading: "Ergebnis öffnen",
    readOnly: "Wählen Sie in der Arbeitsliste ein Ergebnis aus, um Bild, Klasse und Heatmap zu sehen.",
    emptyHeading: "Bilder hinzufügen",
    empty: "Wählen Sie ein Bild, mehrere Bilder oder einen ganzen Ordner aus. Sie können sie auch auf diese Seite ziehen oder ein Bild einfügen.",
    formats: "JPEG, PNG, TIFF oder DICOM, bis 200 MB",
    privacy:
      "Die Bilder werden auf diesen Server hochgeladen. Patientendaten im DICOM-Header werden vor der Klassifikation entfernt; " +
      "verwenden Sie trotzdem anonymisierte Bilder.",
    formatsOnDevice: "JPEG, PNG mit 8 Bit oder unkomprimiertes DICOM, bis 200 MB",
    privacyOnDevice: "Die Bilder werden in diesem Browser gelesen und klassifiziert. Sie verlassen dieses Gerät nicht.",
    where: "Woher bekomme ich Testbilder?",
    whereAnswer: (modality) =>
      `Geeignet ist jedes Bild, das der Zweckbestimmung entspricht (${modality}): ohne Patientendaten aus Ihrem Archiv exportiert ` +
      "oder aus einer öffentlichen Sammlung wie",
    whereLink: "The Cancer Imaging Archive",
    whereUrl: "https://www.cancerimagingarchive.net/",
    dropHere: "Zum Klassifizieren ablegen",
    progress: "Fortschritt",
    cancel: "Abbrechen",
    sending: "Wird gesendet …",
    uploading: (share, size) => `Wird hochgeladen: ${share} von ${size}`,
    classifying: "Wird klassifiziert …",
    opening: "Wird geöffnet …",
    ownImage: (size) => `Original, ${size}`,
    preparedImage: (size) => `Modelleingabe, ${size}`,
    size: (columns, rows) => `${columns} × ${rows} Pixel`,
    previous: "Voriges in der Arbeitsliste",
    next: "Nächstes in der Arbeitsliste",
  },
  result: {
    probability: (share) => `${share} Wahrscheinlichkeit`,
    under: "< ",
    over: "> ",
    needsReview: "Prüfung erforderlich",
    needsReviewMeaning: "Dieses Bild sollte von einer Person geprüft werden:",
    noReview: "Keine Prüfung erforderlich",
    noReviewMeaning: "Eindeutiges Ergebnis bei einem Bild, das den Trainingsdaten ähnelt.",
    noReviewUnchecked: "Eindeutiges Ergebnis. Dieses Modell erkennt nicht, ob ein Bild von den Trainingsdaten abweicht.",
    classes: "Alle Klassen",
    about: "Details",
    received: "Klassifikation ausstehend",
    receivedMeaning: "Das Bild ist eingegangen und wird klassifiziert. Diese Seite aktualisiert sich automatisch.",
    quarantined: "Nicht lesbar",
    quarantinedMeaning: "Diese Datei wurde in Quarantäne verschoben und hat kein Ergebnis:",
    announce: (label, share, review) =>
      `${label}, ${share} Wahrscheinlichkeit. ${review ? "Prüfung erforderlich." : "Keine Prüfung erforderlich."}`,
  },
  facts: {
    file: "Datei",
    format: "Format",
    size: "Größe",
    modality: "Modalität",
    laterality: "Seite",
    view: "Projektion",
    frame: "Einzelbild",
    frameOf: (frame, frames) => `${frame} von ${frames}`,
    transferSyntax: "Transfersyntax",
    lateralities: { L: "Links", R: "Rechts", B: "Beide" },
    arrived: "Eingegangen",
    arrivals: { api: "Seite oder API", upload: "Upload", "drop-folder": "Eingangsordner", archive: "Archiv", device: "dieses Gerät" },
    classified: "Klassifiziert",
    timeTaken: "Antwortzeit",
    model: "Modellversion",
    backend: "Inferenz",
    backends: {
      embedded: "eingebautes Modell",
      endpoint: "SageMaker-Endpunkt",
      transform: "SageMaker-Transformationsauftrag",
      device: "dieses Gerät",
    },
    sha256: "SHA-256 des Modells",
    id: "Ergebnis-ID",
  },
  errors,
  // By reason code; the server's own English sentence is shown for any code that is missing.
  reasons: {
    unfamiliar: () => "Das Bild weicht von den Trainingsdaten ab; möglicherweise passt es nicht zu dieser Aufgabe.",
    "low-confidence": ({ probability, required }) =>
      required
        ? `Die Wahrscheinlichkeit beträgt ${probability}; unter ${required} ist eine Prüfung erforderlich.`
        : "Die Wahrscheinlichkeit des Ergebnisses ist zu niedrig.",
    "weak-model": () =>
      "Dieses Modell ist laut seinem Test nicht verlässlich genug; jedes Bild muss von einer Person geprüft werden.",
    "close-second": ({ second, share }) => `Eine andere Klasse ist fast ebenso wahrscheinlich: ${second}, ${share}.`,
  },
  review: {
    heading: "Ihre Prüfung",
    label: "Welche Klasse ist richtig?",
    confirm: "Bestätigen: ",
    comment: "Kommentar (optional, keine Patientendaten)",
    saveComment: "Kommentar speichern",
    advance: "Danach das nächste ungeprüfte Bild öffnen",
    saved: "Gespeichert.",
    none: "Noch nicht geprüft.",
    undo: "Rückgängig",
    undone: "Prüfung rückgängig gemacht.",
    notUndone: "Nicht rückgängig gemacht: Die Prüfung wurde inzwischen geändert.",
    added: "Als weitere Prüfung gespeichert.",
    counts: "maßgeblich",
    readings: (count) => `Alle Prüfungen (${count})`,
    tooEarly: "Nicht geprüft: Das nächste Bild ist noch nicht offen.",
    changedElsewhere: "Die Prüfung wurde an anderer Stelle geändert.",
    conflict: {
      heading: "Nicht gespeichert: Die Prüfung dieses Bildes wurde an anderer Stelle geändert.",
      theirs: "Jetzt: ",
      yours: "Ihre Wahl: ",
      keep: "Diese Prüfung beibehalten",
      replace: "Durch meine ersetzen",
      add: "Meine als weitere Prüfung speichern",
    },
    last: "Nach diesem Bild gibt es keine ungeprüften mehr.",
    here: "an dieser Installation",
    headingOfOthers: "Prüfung",
    byYou: "von Ihnen",
    notYours: "Mit Ihrer Rolle (Leser) können Sie nicht prüfen. Die Rolle Prüfer vergibt die Administration dieser Installation.",
    by: (reviewer) => `von ${reviewer}`,
    confirmed: (when) => `Bestätigt · ${when}`,
    corrected: "Korrigiert zu",
  },
  worklist: {
    heading: "Arbeitsliste",
    csv: "CSV exportieren",
    named: "mit Dateinamen",
    namedCsv: "CSV mit Dateinamen exportieren",
    largeExport: "Großer Export",
    namedFile: "negatoscope-mit-dateinamen.csv",
    more: "Mehr anzeigen",
    loading: "Wird geladen …",
    empty: "Noch keine Ergebnisse. Neue erscheinen hier automatisch, auch die aus dem Eingangsordner.",
    emptyFiltered: "Keine Ergebnisse entsprechen den Filtern.",
    offline: "Nicht aktuell: Der Server ist nicht erreichbar. Verbindung wird erneut versucht …",
    reviewed: (reviewed, total) => `${reviewed} von ${total} geprüft`,
    soFar: ", weitere folgen",
    unread: "Noch nicht geprüft",
    needsReview: "Zu prüfen",
    corrected: "Korrigiert: ",
    confirmed: "Bestätigt",
    received: "In Bearbeitung …",
    unfinished: "Upload unvollständig",
    quarantined: "Nicht lesbar",
    select: "Auswählen",
    arrived: (count, number) => (number === 1 ? "1 neues Ergebnis." : `${count} neue Ergebnisse.`),
    atEnd: "Letztes Ergebnis der Liste.",
    atStart: "Erstes Ergebnis der Liste.",
  },
  filters: {
    search: "Suche",
    searched: "ID, Klasse, Kommentar oder Prüfer",
    name: "Dateiname enthält",
    show: "Anzeigen",
    shown: {
      everything: "Alle",
      "to-review": "Zu prüfen",
      "needs-review": "Prüfung erforderlich (auch geprüfte)",
      "not-reviewed": "Ungeprüft",
      reviewed: "Geprüft",
      "not-read": "Von mir nicht geprüft",
      read: "Von mir geprüft",
      "read-twice": "Von mehreren geprüft",
      disagreement: "Prüfer uneinig",
      unreadable: "Nicht lesbar",
      waiting: "In Bearbeitung",
      hidden: "Ausgeblendet",
    },
    more: "Filtern und sortieren",
    moreSet: (count) => `Filtern und sortieren (${count} aktiv)`,
    label: "Klasse",
    anyClass: "Alle Klassen",
    from: "Von",
    to: "Bis",
    tasksLabel: "Aufgaben",
    tasks: { one: "Nur diese Aufgabe", all: "Alle Aufgaben" },
    order: "Sortierung",
    orders: { newest: "Neueste zuerst", oldest: "Älteste zuerst", "least-sure": "Niedrigste Wahrscheinlichkeit zuerst", "most-sure": "Höchste Wahrscheinlichkeit zuerst" },
    reset: "Zurücksetzen",
  },
  queue: {
    heading: "Uploads",
    progress: "Upload-Fortschritt",
    pause: "Anhalten",
    resume: "Fortsetzen",
    retry: "Fehlgeschlagene wiederholen",
    cancel: "Übrige abbrechen",
    review: (count) => `Jetzt ${count} prüfen`,
    close: "Schließen",
    details: "Dateien",
    retryOne: "Erneut versuchen",
    cancelOne: "Abbrechen",
    added: (count) => `${count} Dateien zum Hochladen vorgemerkt.`,
    paused: "Upload angehalten.",
    resumed: "Upload wird fortgesetzt.",
    finished: (summary) => `Upload abgeschlossen: ${summary}`,
    sending: (share) => `${share} hochgeladen`,
    states: {
      waiting: "In Warteschlange",
      checking: "Wird geprüft",
      sending: "Wird hochgeladen",
      classifying: "Wird klassifiziert",
      overdue: "Noch ausstehend",
      classified: "Klassifiziert",
      known: "Bereits hochgeladen; das Ergebnis steht in der Arbeitsliste",
      unreadable: "Nicht verwendbar",
      unanswered: "Kein Ergebnis",
      failed: "Upload fehlgeschlagen",
      cancelled: "Abgebrochen",
    },
    summary: ({ items, paused }, counts, count) =>
      [
        `${count(counts.classified + counts.known + counts.unreadable)} von ${count(items.length)} fertig`,
        counts.known && `${count(counts.known)} bereits hochgeladen`,
        counts.unreadable && `${count(counts.unreadable)} nicht verwendbar`,
        counts.overdue && `${count(counts.overdue)} noch ausstehend`,
        counts.unanswered && `${count(counts.unanswered)} ohne Ergebnis`,
        counts.failed && `${count(counts.failed)} fehlgeschlagen`,
        counts.cancelled && `${count(counts.cancelled)} abgebrochen`,
        paused && "angehalten",
      ]
        .filter(Boolean)
        .join(" · "),
    overdue:
      "Der Server hat das Bild und versucht es weiter. Sie können diese Seite verlassen: Das Ergebnis erscheint in der Arbeitsliste.",
    unanswered: "Nach einer Stunde liegt kein Ergebnis vor. Versuchen Sie es erneut, oder melden Sie das Problem.",
    left: (sent, unsent) =>
      `Sie haben diese Seite während eines Uploads verlassen. Hochgeladen und gesichert: ${sent}. Nicht hochgeladen: ${unsent}. ` +
      "Wählen Sie dieselben Dateien erneut aus, um fortzufahren: Bereits hochgeladene werden erkannt.",
    leftClose: "Hinweis schließen",
  },
  dropFolder: {
    heading: "Eingangsordner",
    explanation:
      "Kopieren Sie Dateien in den Eingangsordner dieser Aufgabe, um sie ohne diese Seite zu klassifizieren. Die Ergebnisse " +
      "erscheinen in dieser Liste und im CSV-Export.",
  },
  device: {
    label: "Auf diesem Gerät",
    off: "Aus: Bilder werden an diesen Server gesendet.",
    on: "Ein: Bilder bleiben in diesem Browser.",
    loading: (share) => `Modell wird geladen: ${share}. Es wird kein Bild gesendet.`,
    opening: "Modell wird geöffnet. Es wird kein Bild gesendet.",
    ready: (version) => `Ein: Bilder bleiben in diesem Browser. Modell ${version} ist bereit.`,
    readyOffline: (version) => `Ein: Bilder bleiben in diesem Browser. Modell ${version} ist bereit, auch offline.`,
    insecure: "Hier nicht verfügbar: Browser verlangen dafür HTTPS.",
    heading: (count) => `Auf diesem Gerät (${count})`,
    onlyHere: "Auf diesem Gerät klassifiziert",
    onlyHereMeaning:
      "Dieses Ergebnis existiert nur in diesem Tab und geht beim Schließen verloren. Es erscheint weder in der Arbeitsliste " +
      "noch im CSV-Export und kann nicht geprüft werden. Um es zu speichern, schalten Sie „Auf diesem Gerät“ aus und wählen " +
      "Sie das Bild erneut aus.",
    untilClosed: "Nur in diesem Tab vorhanden, bis Sie ihn schließen.",
    forget: "Leeren",
    gone: "Dieses Ergebnis wurde auf einem Gerät berechnet und nirgends sonst gespeichert. Der Tab wurde geschlossen oder das Ergebnis gelöscht.",
    taken: (count) => `${count} Dateien werden auf diesem Gerät klassifiziert.`,
    progress: (number, count) => `Ein: ${number} von ${count} wird in diesem Browser klassifiziert.`,
    done: (count) => `Ein: ${count} Dateien in diesem Browser verarbeitet.`,
    serverOnly: "Das Modell dieser Aufgabe läuft nur auf dem Server. Schalten Sie „Auf diesem Gerät“ aus, um Bilder dorthin zu senden.",
    damagedPackage:
      "Das heruntergeladene Modell ist beschädigt oder passt nicht zu dieser Aufgabe und wurde nicht verwendet. Laden Sie die " +
      "Seite neu und versuchen Sie es erneut.",
    noConnection: "Sie sind offline: Bewahren Sie die Datei auf, bis wieder eine Verbindung besteht.",
    reasons: {
      damaged:
        "Diese Datei scheint beschädigt oder unvollständig zu sein und wurde auf diesem Gerät nicht gelesen. Exportieren oder kopieren " +
        "Sie sie erneut, oder schalten Sie „Auf diesem Gerät“ aus: Der Server nennt weitere Einzelheiten.",
      deepPng: "Browser können PNG-Dateien mit 16 Bit nicht exakt lesen. Schalten Sie „Auf diesem Gerät“ aus, um sie an den Server zu senden.",
      unusualPng:
        "Browser dekodieren diese Art von PNG (gedreht, mit reduzierter Palette oder transparenter Farbe) möglicherweise anders. Schalten " +
        "Sie „Auf diesem Gerät“ aus, um sie an den Server zu senden.",
      unusualJpeg:
        "Browser dekodieren diese Art von JPEG (progressiv, CMYK oder mehr als 8 Bit) möglicherweise anders. Schalten Sie „Auf diesem " +
        "Gerät“ aus, um sie an den Server zu senden.",
      tiff: "Browser können TIFF nicht lesen. Schalten Sie „Auf diesem Gerät“ aus, um die Datei an den Server zu senden.",
      dicom:
        "Diese DICOM-Datei ist komprimiert oder von einer Art, die hier nicht gelesen werden kann. Schalten Sie „Auf diesem Gerät“ " +
        "aus, um sie an den Server zu senden.",
      unknown:
        "Diese Datei beginnt nicht wie eine JPEG-, PNG- oder DICOM-Datei. Ist sie eine DICOM-Datei ohne Präambel, schalten Sie „Auf " +
        "diesem Gerät“ aus, um sie an den Server zu senden.",
      tooLarge: "Dieses Bild hat mehr als 100 Megapixel. Verwenden Sie eine kleinere Version.",
      tooSmall: "Dieses Bild ist kleiner als 8 × 8 Pixel. Verwenden Sie eine größere Version.",
      failed:
        "Dieser Browser konnte das Modell nicht ausführen. Laden Sie die Seite neu, oder schalten Sie „Auf diesem Gerät“ aus, " +
        "um den Server zu verwenden.",
    },
  },
  problem: {
    heading: "Ein Fehler ist aufgetreten",
    again: "Erneut versuchen",
    requestId: (id) => `Anfrage ${id}`,
    empty: "Diese Datei ist leer. Prüfen Sie, ob sie vollständig kopiert oder exportiert wurde, und wählen Sie sie erneut aus.",
    tooLarge: (size, limit) =>
      `Diese Datei ist zu groß (${size}; erlaubt sind ${limit}). Exportieren Sie ein Einzelbild oder weniger Bilder und ` +
      "wählen Sie die Datei erneut aus.",
    emptyFolder: "Dieser Ordner enthält keine Dateien. Wählen Sie einen anderen Ordner oder die Bilder selbst aus.",
    noImage: "Dies ist eine Textdatei, ein PDF oder ein Archiv, kein Bild, und wurde nicht gesendet. Entpacken Sie Archive zuerst.",
    unreadable: "Der Browser konnte diese Datei nicht lesen. Möglicherweise wurde sie verschoben oder geändert: Wählen Sie sie erneut aus.",
    network: "Der Server ist nicht erreichbar. Prüfen Sie Ihre Verbindung und ob der Server läuft, und versuchen Sie es erneut.",
    tookTooLong: "Der Server hat nicht rechtzeitig geantwortet. Versuchen Sie es erneut.",
    signIn: "Sie sind nicht angemeldet oder haben keine Berechtigung. Melden Sie sich an und versuchen Sie es erneut.",
    overloaded: "Der Server ist ausgelastet. Warten Sie einige Sekunden und versuchen Sie es erneut.",
    server: "Der Server konnte die Anfrage nicht ausführen. Versuchen Sie es erneut; schlägt sie wieder fehl, melden Sie die Anfragenummer.",
    notFound: "Nicht gefunden. Möglicherweise wurde es entfernt.",
    uploadRefused:
      "Der Speicher hat den Upload abgelehnt; möglicherweise ist die Berechtigung abgelaufen. Wählen Sie die Datei erneut aus.",
    noResult:
      "Das Bild wurde hochgeladen, nach zwei Minuten liegt aber noch kein Ergebnis vor. Es geht nichts verloren: Das Ergebnis erscheint " +
      "in der Arbeitsliste. Stockt die Verarbeitung, wird sie innerhalb von zehn Minuten wiederholt.",
    saving: "Die Prüfung wurde nicht gespeichert.",
    inDetail: "Details (auf Englisch):",
  },
};
