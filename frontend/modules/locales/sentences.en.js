// @ts-check
/** Texts for what is stored in English: nothing is to be translated here. */

/** Sentences by the names of their forms in sentences.js. @type {Partial<Record<string, (given: Record<string, string>) => string>>} */
export const sentences = {};

/** Titles, axes and legends of plots, by what training writes. @type {Record<string, string>} */
export const plotWords = {};

/** What hyperparameters mean, by name. @type {Record<string, string>} */
export const hyperparameterMeanings = {};

/** Said above documents that are stored in English. */
export const storedInEnglish = "";

/** The second line of a plot, whose room is limited. */
export const plotHeading = (/** @type {string} */ images, /** @type {string} */ groups) =>
  `Test: ${images} images of ${groups} groups (patients)`;
