// @ts-check
/** English texts of the comparison of two results. */

export const comparison = {
  heading: "Comparison",
  open: "Open image",
  beside: "Image beside it",
  describe: (/** @type {string} */ verdict) => `Beside it: ${verdict}`,
  previous: "Previous beside",
  next: "Next beside",
  pick: "Pick in the list",
  picking: "Choose a result in the list. Esc goes back.",
  linked: "Link zoom, position and window",
  nowLinked: "Zoom, position and window are linked.",
  nowUnlinked: "Zoom, position and window are not linked.",
  acting: "Tools act on",
  openIt: "Open",
  end: "End comparison",
  ended: "The comparison has ended.",
  none: "The list holds no other classified image of this task.",
  same: "This image is open already. Choose another one.",
  unclassified: "This image has no answer to compare. Choose another one.",
  otherTask: "This image belongs to another task. Choose one of the same task.",
};
