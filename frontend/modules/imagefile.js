// @ts-check
/** Checks a file before it leaves the device. Whether it really is an image, the server decides. */
import { Problem } from "./api.js";
import { fileSize } from "./format.js";
import { MAX_FILE_BYTES } from "./limits.js";
import { text } from "./text.js";

/** A DICOM preamble (128 bytes) and the prefix "DICM". */
const HEAD_BYTES = 132;

/**
 * @typedef {object} Kind
 * @property {string} contentType
 * @property {boolean} showable whether the browser displays the image as the server reads it
 */

/**
 * Reject what cannot succeed before anything is sent, and detect the format from the first bytes, never from the name.
 * @param {File} file
 * @returns {Promise<Kind>}
 * @throws {Problem} for an empty, too large or unreadable file, and for text files, PDFs and archives
 */
export async function inspect(file) {
  if (file.size > MAX_FILE_BYTES) throw new Problem(text.problem.tooLarge(fileSize(file.size), fileSize(MAX_FILE_BYTES)), { code: "TooLarge" });
  const head = new Uint8Array(await contentOf(file.slice(0, HEAD_BYTES)));
  if (head.length === 0) throw new Problem(text.problem.empty, { code: "Empty" });
  return kindOf(head);
}

/**
 * Read a file, which may have been moved, changed or deleted since it was chosen.
 * @param {Blob} file
 * @returns {Promise<ArrayBuffer>}
 * @throws {Problem} if it cannot be read
 */
export async function contentOf(file) {
  try {
    return await file.arrayBuffer();
  } catch {
    throw new Problem(text.problem.unreadable, { code: "Unreadable" });
  }
}

/**
 * @param {Blob} file
 * @throws {Problem} if it can no longer be read
 */
export async function requireReadable(file) {
  await contentOf(file.slice(0, 1));
}

/** TIFF and BigTIFF, in both byte orders. */
const TIFF = [[0x49, 0x49, 0x2a, 0], [0x4d, 0x4d, 0, 0x2a], [0x49, 0x49, 0x2b, 0], [0x4d, 0x4d, 0, 0x2b]];

/**
 * @param {Uint8Array} head
 * @returns {Kind}
 */
function kindOf(head) {
  const kind = { showable: false };
  // The preamble before DICOM's prefix has no meaning; some files contain a TIFF header there.
  if (isDicom(head)) return { ...kind, contentType: "application/dicom" };
  if (startsWith(head, [0xff, 0xd8, 0xff])) return { ...kind, contentType: "image/jpeg", showable: true };
  if (startsWith(head, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) {
    // Browsers show the upper 8 of 16 bits, so a 12-bit image would look black. Byte 24 is the bit depth.
    return { ...kind, contentType: "image/png", showable: head[24] <= 8 };
  }
  if (TIFF.some((magic) => startsWith(head, magic))) return { ...kind, contentType: "image/tiff" };
  if (isDocument(head)) throw new Problem(text.problem.noImage, { code: "NoImage" });
  // Old DICOM files have no prefix, so an unknown file may be one.
  return { ...kind, contentType: "application/octet-stream" };
}

/** @param {Uint8Array} head the first bytes of a file */
const isDicom = (head) => startsWith(head.subarray(128), [0x44, 0x49, 0x43, 0x4d]);

/** @param {Uint8Array} head */
const isDocument = (head) =>
  startsWith(head, [0x50, 0x4b, 3, 4]) || head.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13) || byte >= 0xc2);

/**
 * @param {Uint8Array} bytes
 * @param {number[]} magic
 */
const startsWith = (bytes, magic) => magic.every((byte, index) => bytes[index] === byte);
