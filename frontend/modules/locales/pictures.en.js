// @ts-check
/** English texts of the pictures in the worklist. */

export const pictures = {
  grid: "Grid",
};
