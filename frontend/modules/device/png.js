// @ts-check
/** Checks that a PNG file is complete, and that browsers decode it as the server does (PNG specification, third edition). */
import { pixelAspect } from "./aspect.js";
import { NotPrepared } from "./notprepared.js";

const GREY = 0, RGB = 2, PALETTE = 3;
/** Samples per pixel and allowed bit depths, by colour type. */
const SAMPLES = [1, 0, 3, 1, 2, 0, 4];
const DEPTHS = [[1, 2, 4, 8, 16], [], [8, 16], [1, 2, 4, 8], [8, 16], [], [8, 16]];
const SIGNATURE = 8;

/** Chunks that determine the pixels. Others are removed, as on the server, to avoid colour management and animation. */
const NEEDED = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"];
/** Per file, as on the server (chalicelib/imaging/png/chunks.py). */
const MAX_CHUNKS = 100_000;

/** Steps (down, across) and offsets (top, left) of the seven passes of an interlaced image (section 8.2). */
const PASSES = [[8, 8, 0, 0], [8, 8, 0, 4], [8, 4, 4, 0], [4, 4, 0, 2], [4, 2, 2, 0], [2, 2, 0, 1], [2, 1, 1, 0]];

/** @typedef {{name: string, content: Uint8Array<ArrayBuffer>, whole: Uint8Array<ArrayBuffer>}} Chunk */

/**
 * @param {Uint8Array<ArrayBuffer>} bytes the whole file
 * @param {(columns: number, rows: number) => void} checkSize
 * @returns {Promise<{columns: number, rows: number, aspect: number, plain: Blob}>} `aspect` is the height of a pixel divided by
 *   its width, `plain` the file without colour management chunks
 * @throws {NotPrepared} if a browser may decode other pixels than the server
 */
export async function readPng(bytes, checkSize) {
  const chunks = readChunks(bytes);
  const { columns, rows, depth, colour, interlaced } = readHeader(chunks[0]);
  if (parts(chunks, "IDAT").length === 0) throw new NotPrepared("damaged");
  checkSize(columns, rows);
  if (depth === 16) throw new NotPrepared("deepPng");
  if (isUnusual(chunks, depth, colour)) throw new NotPrepared("unusualPng");
  const size = pixelBytes(columns, rows, depth * SAMPLES[colour], interlaced);
  if ((await inflatedSize(parts(chunks, "IDAT"), size)) !== size || chunks.at(-1)?.name !== "IEND") throw new NotPrepared("damaged");
  const wanted = colour === PALETTE ? NEEDED : NEEDED.filter((name) => name !== "PLTE" && name !== "tRNS");
  const needed = chunks.filter(({ name }) => wanted.includes(name)).map(({ whole }) => whole);
  return { columns, rows, aspect: aspectOf(parts(chunks, "pHYs")[0]), plain: new Blob([bytes.subarray(0, SIGNATURE), ...needed]) };
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Chunk[]} all complete chunks
 * @throws {NotPrepared} if a checksum is wrong
 */
function readChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = [];
  let at = SIGNATURE;
  while (at + 12 <= bytes.length && chunks.at(-1)?.name !== "IEND") {
    const end = at + 12 + view.getUint32(at);
    if (end > bytes.length) break;
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) throw new NotPrepared("damaged");
    chunks.push({ name, content: bytes.subarray(at + 8, end - 4), whole: bytes.subarray(at, end) });
    at = end;
  }
  return chunks;
}

/**
 * @param {Chunk | undefined} chunk IHDR
 */
function readHeader(chunk) {
  if (chunk?.name !== "IHDR" || chunk.content.length !== 13) throw new NotPrepared("damaged");
  const view = new DataView(chunk.content.buffer, chunk.content.byteOffset);
  const [columns, rows] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, compression, filter, interlaced] = chunk.content.subarray(8);
  const isValid = columns * rows > 0 && DEPTHS[colour]?.includes(depth) && compression === 0 && filter === 0 && interlaced <= 1;
  if (!isValid) throw new NotPrepared("damaged");
  return { columns, rows, depth, colour, interlaced: interlaced === 1 };
}

/**
 * The pixel aspect ratio from the pixels per unit (section 11.3.4.3), for any unit.
 * @param {Uint8Array | undefined} content of pHYs
 * @returns {number} 1 if unknown
 */
function aspectOf(content) {
  if (content?.length !== 9) return 1;
  const view = new DataView(content.buffer, content.byteOffset);
  return pixelAspect(view.getUint32(0), view.getUint32(4));
}

/**
 * @param {Chunk[]} chunks
 * @param {string} wanted name
 */
const parts = (chunks, wanted) => chunks.filter(({ name }) => name === wanted).map(({ content }) => content);

/**
 * Whether it is rotated, has unknown critical chunks, one transparent colour, a palette smaller than its index range, or
 * repeated or misplaced chunks: decoders differ in these cases.
 * @param {Chunk[]} chunks
 * @param {number} depth
 * @param {number} colour
 */
function isUnusual(chunks, depth, colour) {
  if (chunks.length > MAX_CHUNKS || chunks.some(({ name }) => name === "eXIf" || (isCritical(name) && !NEEDED.includes(name)))) return true;
  if (["IHDR", "PLTE", "tRNS"].some((name) => parts(chunks, name).length > 1)) return true;
  const [transparent] = parts(chunks, "tRNS");
  if (transparent && (colour === GREY || colour === RGB)) return true;
  if (colour !== PALETTE) return false;
  const [palette] = parts(chunks, "PLTE");
  const order = chunks.map(({ name }) => name).filter((name) => NEEDED.includes(name));
  const isInOrder = order.indexOf("PLTE") < order.indexOf("IDAT") && (!transparent || order.indexOf("tRNS") === order.indexOf("PLTE") + 1);
  return palette?.length !== 3 << depth || !isInOrder || (transparent?.length ?? 0) > 1 << depth;
}

/** @param {string} name of a chunk (section 5.4) */
const isCritical = (name) => name[0] <= "Z";

/**
 * @param {number} columns
 * @param {number} rows
 * @param {number} bits per pixel
 * @param {boolean} interlaced
 * @returns {number} bytes of all lines, each with its filter byte
 */
function pixelBytes(columns, rows, bits, interlaced) {
  const size = (/** @type {number} */ across, /** @type {number} */ down) => (across > 0 ? down * (1 + Math.ceil((across * bits) / 8)) : 0);
  if (!interlaced) return size(columns, rows);
  return PASSES.reduce((sum, [down, across, top, left]) => sum + size(Math.ceil((columns - left) / across), Math.max(0, Math.ceil((rows - top) / down))), 0);
}

/**
 * @param {Uint8Array<ArrayBuffer>[]} compressed
 * @param {number} most expected size
 * @returns {Promise<number>} bytes, counted to just beyond `most`; -1 if inflating fails
 */
async function inflatedSize(compressed, most) {
  let size = 0;
  try {
    const reader = new Blob(compressed).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return size;
      size += value.length;
      if (size > most) {
        await reader.cancel();
        return size;
      }
    }
  } catch {
    return -1;
  }
}

/** CRC table (annex D). */
const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
