// @ts-check
/** English texts of the agreement of readers. */

export const agreement = {
  heading: "Agreement of readers",
  what: (/** @type {string} */ images) =>
    `Images read: ${images}. The last reading of each reader counts. Readings that were not blind may have followed what their reader saw.`,
  none: "Nobody has read images of this selection.",
  noPairs: "No image was read by two people.",
  incomplete: (/** @type {string} */ when) => `Incomplete: there was time only for images that arrived since ${when}. Choose a shorter period.`,
  readers: "Readers with each other",
  withModel: "Readers with the model",
  pair: "Pair",
  images: "Images",
  agreement: "Agreement (95% CI)",
  kappa: "Cohen’s kappa (95% CI)",
  blind: "Read blind",
  model: "model",
};
