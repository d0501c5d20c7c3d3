// @ts-check
/** Which PNG files a browser reads just as Pillow does (PNG specification, sections 5 and 11). */
import { NotPrepared } from "./notprepared.js";

const GREY = 0, RGB = 2;

/**
 * @param {Uint8Array} bytes the whole file
 * @returns {{columns: number, rows: number}}
 * @throws {NotPrepared} for all others
 */
export function readPng(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names = chunks(view);
  if (!names.has("IHDR") || !names.has("IEND")) throw new NotPrepared("damaged");
  const [columns, rows, depth, colour] = [view.getUint32(16), view.getUint32(20), bytes[24], bytes[25]];
  if (depth === 16) throw new NotPrepared("deepPng");
  // One colour as transparent, or an animation, or an orientation: the two do not agree on what that means.
  const odd = names.has("acTL") || names.has("eXIf") || (names.has("tRNS") && (colour === GREY || colour === RGB));
  if (odd) throw new NotPrepared("unusualPng");
  return { columns, rows };
}

/**
 * @param {DataView} view
 * @returns {Set<string>} names of the chunks as far as they are there in full
 */
function chunks(view) {
  const names = new Set();
  let at = 8;
  while (at + 12 <= view.byteLength) {
    const end = at + 12 + view.getUint32(at);
    if (end > view.byteLength) break;
    names.add(String.fromCharCode(view.getUint8(at + 4), view.getUint8(at + 5), view.getUint8(at + 6), view.getUint8(at + 7)));
    at = end;
  }
  return names;
}
