// @ts-check
/** English texts of the filters that links set. */

export const linkedFilters = {
  reviewedAs: (/** @type {string} */ title) => `Reviewed as: ${title}`,
  model: (/** @type {string} */ version) => `Model: ${version}`,
  marked: (/** @type {boolean} */ marked) =>
    /** @type {string} */ (marked ? "Marked for review" : "Not marked for review"),
  remove: "Remove all filters",
};
