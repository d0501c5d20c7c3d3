// @ts-check

/** This file cannot be made into the very pixels here that the server would make of it; `reason` is a key of text.device.reasons. */
export class NotPrepared extends Error {
  /** @param {"damaged" | "deepPng" | "unusualPng" | "unusualJpeg" | "tiff" | "dicom" | "unknown" | "tooLarge" | "tooSmall"} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}
