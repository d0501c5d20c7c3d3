// @ts-check
/** German texts of saved views. */

/** @type {typeof import("./savedviews.en.js").savedViews} */
export const savedViews = {
  view: "Ansicht",
  none: "Nicht gespeichert",
  heading: "Diese Filter als Ansicht speichern",
  name: "Name der Ansicht",
  save: "Speichern",
  rename: "Umbenennen",
  delete: "Löschen",
  deleteOne: (name) => `„${name}“ löschen`,
  saved: (name) => `Ansicht „${name}“ in diesem Browser gespeichert.`,
  renamed: (name) => `Ansicht in „${name}“ umbenannt.`,
  deleted: (name) => `Ansicht „${name}“ gelöscht.`,
};
