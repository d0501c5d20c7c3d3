// @ts-check
/** English texts of hiding and deleting results. */

export const removal = {
  offer: "Hide or delete",
  hint: "Hidden results can be shown again. Deleting is for good.",
  hideOne: "Hide",
  deleteOne: "Delete…",
  hide: (/** @type {string} */ count) => `Hide ${count}`,
  showMany: (/** @type {string} */ count) => `Show ${count} again`,
  delete: (/** @type {string} */ count) => `Delete ${count}…`,
  hidden: "Hidden.",
  hiddenMany: (/** @type {string} */ count) => `Hidden: ${count}.`,
  shown: "Shown again.",
  shownMany: (/** @type {string} */ count) => `Shown again: ${count}.`,
  deleted: (/** @type {string} */ count) => `Deleted for good: ${count}.`,
  heading: (/** @type {number} */ number, /** @type {string} */ count) =>
    number === 1 ? "Delete this result for good?" : `Delete ${count} results for good?`,
  consequences: [
    "Image, result, heat map and all readings are deleted. Nobody can bring them back.",
    "The original file on the server is deleted as well, also one in the drop folder. Your own copy stays.",
    "A model that has been trained with the image keeps what it has learned.",
    "The audit record keeps who has deleted it, and when.",
  ],
  deleteNow: "Delete for good",
  isHidden: "This result is hidden",
  isHiddenMeaning: "Lists, exports, statistics, drift and retrainings leave it out.",
  hiddenBy: (/** @type {string} */ user, /** @type {string} */ time) => `Hidden by ${user}, ${time}.`,
  hiddenByMe: (/** @type {string} */ time) => `Hidden by you, ${time}.`,
  show: "Show it again",
};
