// @ts-check
/** English texts about the origin of pictures. */

export const picture = {
  display: (/** @type {string} */ size) => `Display picture, ${size}`,
  reduced: (/** @type {string} */ size, /** @type {string} */ original) => `Display picture, ${size} (original: ${original})`,
  frame: (/** @type {string} */ frame, /** @type {string} */ frames) => `frame ${frame} of ${frames}`,
  notStored: "no display picture is stored",
  notLoaded: "the display picture could not be loaded",
  windowOfFile: (/** @type {string} */ name) => `File: ${name}`,
  nthWindowOfFile: (/** @type {string} */ number) => `File: window ${number}`,
  gone: "The image of this result is not stored, because it was classified on this device. Images are kept only until the page is " +
    "loaded again. To see the image, choose its file once more.",
  unreadable: "This file could not be read as an image, so there is nothing to show.",
  missing: "The server has no picture of this image, or cannot be reached. Try again later, or choose the file once more.",
  frames: {
    label: "Frame",
    position: (/** @type {string} */ frame, /** @type {string} */ frames) => `${frame} of ${frames}`,
    modelSaw: (/** @type {string} */ frame) => `the model saw frame ${frame}`,
    modelSawThis: "the model saw this one",
    loading: "loading …",
    kept: (/** @type {string} */ kept, /** @type {string} */ frames) => `${kept} of ${frames} frames can be shown.`,
    back: "Classified frame",
    backHint: "Show the frame that was classified",
    wheel: "Scroll through the frames with Shift and the wheel.",
    hint: "The heat map belongs to the classified frame only.",
    failed: "This frame cannot be displayed.",
    notLoaded: "The other frames of this image could not be loaded.",
  },
};
