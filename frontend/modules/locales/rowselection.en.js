// @ts-check
/** English texts of selecting rows of the worklist. */

export const rowSelection = {
  heading: "Selected results",
  selected: (/** @type {string} */ count) => `${count} selected`,
  all: (/** @type {string} */ count) => `All ${count}`,
  upTo: (/** @type {string} */ count) => `All, up to ${count}`,
  none: "None",
  progress: "Progress",
  stop: "Stop",
  undo: "Undo",
  confirm: (/** @type {string} */ count) => `Confirm ${count}`,
  confirmed: (/** @type {string} */ count) => `Confirmed: ${count}.`,
  undone: (/** @type {string} */ count) => `Undone: ${count}.`,
  overtaken: (/** @type {string} */ count) => `Changed by others meanwhile, and left as they are: ${count}.`,
  failed: (/** @type {string} */ count, /** @type {string} */ why) => `Failed, and still selected: ${count}. ${why}`,
  skipped: (/** @type {string} */ count) => `Not begun: ${count}.`,
};
