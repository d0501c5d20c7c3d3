// @ts-check
/** Decodes PNG files of one grey channel with all their bits; browsers show the upper eight only (PNG specification, third edition). */

/** Offsets of the header's members, behind the signature and the chunk's length and name (section 11.2.1). */
const [WIDTH, HEIGHT, DEPTH, COLOUR] = [16, 20, 24, 25];
const SIGNATURE = 8;
const IDAT = 0x49444154;

/**
 * @param {Blob} file without interlacing
 * @returns {Promise<{width: number, height: number, data: Uint8Array | Uint16Array}>}
 * @throws {Error} if it is another kind of PNG, or damaged
 */
export async function decodeGreyPng(file) {
  const buffer = await file.arrayBuffer();
  const view = new DataView(buffer);
  const [width, height, depth] = [view.getUint32(WIDTH), view.getUint32(HEIGHT), view.getUint8(DEPTH)];
  if (view.getUint8(COLOUR) !== 0 || (depth !== 8 && depth !== 16)) throw new RangeError("another kind of PNG");
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const parts = [];
  for (let at = SIGNATURE; at < buffer.byteLength; at += 12 + view.getUint32(at)) {
    if (view.getUint32(at + 4) === IDAT) parts.push(new Uint8Array(buffer, at + 8, view.getUint32(at)));
  }
  const lines = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(lines).arrayBuffer());
  const size = depth / 8;
  if (bytes.length !== height * (1 + width * size)) throw new RangeError("an incomplete PNG");
  return { width, height, data: values(unfiltered(bytes, width * size, size), size) };
}

/**
 * Undo the filters (section 9.2).
 * @param {Uint8Array} bytes lines, each behind the byte that names its filter
 * @param {number} length bytes of a line
 * @param {number} size bytes of a pixel
 */
function unfiltered(bytes, length, size) {
  const out = new Uint8Array((bytes.length / (length + 1)) * length);
  for (let from = 0, to = 0; from < bytes.length; from += length + 1, to += length) {
    const undo = FILTERS[bytes[from]];
    const line = bytes.subarray(from + 1, from + 1 + length);
    const above = to ? out.subarray(to - length, to) : new Uint8Array(length);
    undo(out.subarray(to, to + length), line, above, size);
  }
  return out;
}

/** @typedef {(out: Uint8Array, line: Uint8Array, above: Uint8Array, size: number) => void} Undo */

/** By number: none, sub, up, average, Paeth; loops, because callbacks take three times as long. @type {Undo[]} */
const FILTERS = [
  (out, line) => out.set(line),
  (out, line, _, size) => {
    for (let at = 0; at < line.length; at++) out[at] = line[at] + (at < size ? 0 : out[at - size]);
  },
  (out, line, above) => {
    for (let at = 0; at < line.length; at++) out[at] = line[at] + above[at];
  },
  (out, line, above, size) => {
    for (let at = 0; at < line.length; at++) out[at] = line[at] + (((at < size ? 0 : out[at - size]) + above[at]) >> 1);
  },
  (out, line, above, size) => {
    for (let at = 0; at < size; at++) out[at] = line[at] + above[at];
    for (let at = size; at < line.length; at++) out[at] = line[at] + paeth(out[at - size], above[at], above[at - size]);
  },
];

/**
 * @param {number} left
 * @param {number} above
 * @param {number} corner
 */
function paeth(left, above, corner) {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  return toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner;
}

/**
 * @param {Uint8Array} bytes of big-endian values
 * @param {number} size bytes of a value
 */
function values(bytes, size) {
  if (size === 1) return bytes;
  const out = new Uint16Array(bytes.length / 2);
  for (let at = 0; at < out.length; at++) out[at] = (bytes[2 * at] << 8) | bytes[2 * at + 1];
  return out;
}
