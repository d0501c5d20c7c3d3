// @ts-check
/** English texts of saved views. */

export const savedViews = {
  view: "View",
  none: "Unsaved",
  heading: "Save these filters as a view",
  name: "Name of the view",
  save: "Save",
  rename: "Rename",
  delete: "Delete",
  deleteOne: (/** @type {string} */ name) => `Delete “${name}”`,
  saved: (/** @type {string} */ name) => `View “${name}” saved in this browser.`,
  renamed: (/** @type {string} */ name) => `View renamed to “${name}”.`,
  deleted: (/** @type {string} */ name) => `View “${name}” deleted.`,
};
