// @ts-check

/** The file cannot be prepared here exactly as on the server; `reason` is a key of text.device.reasons. */
export class NotPrepared extends Error {
  /** @param {"damaged" | "deepPng" | "unusualPng" | "unusualJpeg" | "tiff" | "dicom" | "unknown" | "tooLarge" | "tooSmall"} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}
