// @ts-check
/** Which PNG files a browser reads just as the server does, and whether they are whole (PNG specification, third edition). */
import { pixelAspect } from "./aspect.js";
import { NotPrepared } from "./notprepared.js";

const GREY = 0, RGB = 2, PALETTE = 3;
/** Samples of a pixel and their possible bits, by colour type. */
const SAMPLES = [1, 0, 3, 1, 2, 0, 4];
const DEPTHS = [[1, 2, 4, 8, 16], [], [8, 16], [1, 2, 4, 8], [8, 16], [], [8, 16]];
const SIGNATURE = 8;

/** What decides the pixels. The rest is left out, as on the server, so that no browser manages colours or plays an animation. */
const NEEDED = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"];
/** In a file, as on the server. */
const MAX_CHUNKS = 100_000;

/** Steps, down and across, of the seven passes of an interlaced image, and where they begin (section 8.2). */
const PASSES = [[8, 8, 0, 0], [8, 8, 0, 4], [8, 4, 4, 0], [4, 4, 0, 2], [4, 2, 2, 0], [2, 2, 0, 1], [2, 1, 1, 0]];

/** @typedef {{name: string, content: Uint8Array<ArrayBuffer>, whole: Uint8Array<ArrayBuffer>}} Chunk */

/**
 * @param {Uint8Array<ArrayBuffer>} bytes the whole file
 * @param {(columns: number, rows: number) => void} checkSize
 * @returns {Promise<{columns: number, rows: number, aspect: number, plain: Blob}>} `aspect` is the height of a pixel divided by
 *   its width, `plain` the file without what would make a browser manage its colours
 * @throws {NotPrepared} where a browser may read other pixels than the server
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
 * @returns {Chunk[]} all up to the last one
 * @throws {NotPrepared} if one has another checksum than it says
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
 * From the pixels per unit (section 11.3.4.3), whatever the unit is.
 * @param {Uint8Array | undefined} content of pHYs
 * @returns {number} 1 if it is not known
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
 * Whether it is turned, extends the standard, has one colour as transparent, fewer colours than its pixels can name, or chunks
 * repeated or out of order: readers differ in what they make of that.
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
 * @param {number} bits of a pixel
 * @param {boolean} interlaced
 * @returns {number} bytes of all lines, each with the number of its filter
 */
function pixelBytes(columns, rows, bits, interlaced) {
  const size = (/** @type {number} */ across, /** @type {number} */ down) => (across > 0 ? down * (1 + Math.ceil((across * bits) / 8)) : 0);
  if (!interlaced) return size(columns, rows);
  return PASSES.reduce((sum, [down, across, top, left]) => sum + size(Math.ceil((columns - left) / across), Math.max(0, Math.ceil((rows - top) / down))), 0);
}

/**
 * @param {Uint8Array<ArrayBuffer>[]} compressed
 * @param {number} most
 * @returns {Promise<number>} bytes, not counted much beyond `most`; -1 if they cannot be inflated
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

/** CRC of each byte (annex D). */
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
