// @ts-check
/** English texts of uploading labelled images. */

export const labelledUpload = {
  what: "Choose a folder with one subfolder of images per class, or drop it here. Nothing is sent before you have checked the classes.",
  patients:
    "Names of files and folders are not sent, so images of one patient are recognised only if they look alike. To keep patients apart " +
    "in training and test, copy the images into the data bucket with a manifest instead.",
  choose: "Folder with labelled images",
  noFiles: "There are no images in it.",
  noFolder: "(in no folder)",
  files: (/** @type {string} */ number) => `Images: ${number}`,
  undecidedOption: "Choose a class…",
  skip: "Do not send",
  undecided: "Choose a class or “Do not send” for each folder. Nothing has been sent yet.",
  send: "Send images",
  continue: "Continue sending",
  stop: "Stop",
  progress: "Progress of sending",
  done: (/** @type {string} */ done, /** @type {string} */ total, /** @type {string} */ sent, /** @type {string} */ known) =>
    `${done} of ${total}: ${sent} sent, ${known} were there already.`,
  finished: (/** @type {string} */ sent, /** @type {string} */ known, /** @type {string} */ failed) =>
    `Done: ${sent} sent, ${known} were there already, ${failed} cannot be used.`,
  stopped: "Stopped. What was sent is kept; go on whenever you like, and only the rest is sent.",
  unusable: (/** @type {string} */ number) => `Not sent, because they cannot be used: ${number}.`,
  more: (/** @type {string} */ number) => `and ${number} more`,
  otherClass: (/** @type {string} */ label) => `the same image was uploaded as “${label}” already. Decide which class is right.`,
  insecure: "this browser recognises images only over HTTPS. Open the page by its https:// address.",
};
