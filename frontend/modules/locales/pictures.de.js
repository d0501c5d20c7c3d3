// @ts-check
/** German texts of the pictures in the worklist. */

/** @type {typeof import("./pictures.en.js").pictures} */
export const pictures = {
  grid: "Kacheln",
};
