// @ts-check
/** Checks that the scan of a JPEG file is complete, since browsers show damaged scans without an error (ITU-T T.81, annex F). */

/**
 * @typedef {object} Component in the order of the scan
 * @property {number} across blocks per MCU
 * @property {number} down
 * @property {HuffmanTable} [dc]
 * @property {HuffmanTable} [ac]
 */

/** For each 16-bit prefix: code length times 256 plus symbol; 0 if there is no such code. @typedef {Uint16Array} HuffmanTable */

const EOI = 0xd9, RST0 = 0xd0;
const BLOCK = 8;
const COEFFICIENTS = 64;
/** Bits of a difference between DC values of 8-bit samples, at most (F.1.2.1). */
const MAX_DC_BITS = 11;

/**
 * Skip through the Huffman codes of a sequential scan without decoding values.
 * @param {Uint8Array} bytes the file
 * @param {number} from offset of the entropy-coded data
 * @param {{columns: number, rows: number, restartInterval: number}} frame
 * @param {Component[]} components
 * @returns {boolean} whether all blocks of the image are there and valid, followed by the end of the image
 */
export function isWholeScan(bytes, from, { columns, rows, restartInterval }, components) {
  if (!components.every(({ dc, ac }) => dc && ac)) return false;
  // A single component is coded block by block, regardless of its sampling factors (A.2.2).
  const single = components.length === 1;
  const across = single ? 1 : Math.max(...components.map((component) => component.across));
  const down = single ? 1 : Math.max(...components.map((component) => component.down));
  const units = Math.ceil(columns / (BLOCK * across)) * Math.ceil(rows / (BLOCK * down));
  const blocks = single ? components : components.flatMap((component) => Array(component.across * component.down).fill(component));
  const reader = new BitReader(bytes, from);
  for (let unit = 0; unit < units; unit++) {
    if (restartInterval && unit && unit % restartInterval === 0 && !reader.passMarker(RST0 + ((unit / restartInterval - 1) % 8))) return false;
    for (const { dc, ac } of blocks) if (!passBlock(reader, dc, ac)) return false;
  }
  return reader.passMarker(EOI);
}

/**
 * @param {BitReader} reader
 * @param {HuffmanTable} dc
 * @param {HuffmanTable} ac
 * @returns {boolean} whether it is a valid block
 */
function passBlock(reader, dc, ac) {
  const difference = dc[reader.peek()];
  const bits = difference & 0xff;
  if (!difference || bits > MAX_DC_BITS) return false;
  reader.skip(difference >> 8);
  reader.skip(bits);
  for (let coefficient = 1; coefficient < COEFFICIENTS; coefficient++) {
    const code = ac[reader.peek()];
    if (!code) return false;
    reader.skip(code >> 8);
    const [zeros, size] = [(code >> 4) & 15, code & 15];
    if (size === 0 && zeros === 0) return true;
    if (size === 0 && zeros !== 15) return false;
    coefficient += zeros;
    if (coefficient >= COEFFICIENTS) return false;
    reader.skip(size);
  }
  return true;
}

class BitReader {
  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   */
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
    this.buffer = 0;
    /** Bits in the buffer. */
    this.held = 0;
    /** Bits among them, at the end, that were added because the file has ended. */
    this.lacking = 0;
  }

  /** The next 16 bits, without consuming them. */
  peek() {
    while (this.held < 16) {
      const byte = this.bytes[this.at];
      const isMarker = byte === undefined || (byte === 0xff && this.bytes[this.at + 1] !== 0);
      if (isMarker) this.lacking += 8;
      else this.at += byte === 0xff ? 2 : 1;
      this.buffer = ((this.buffer << 8) | (isMarker ? 0 : byte)) & 0xffffff;
      this.held += 8;
    }
    return (this.buffer >> (this.held - 16)) & 0xffff;
  }

  /** @param {number} bits up to 16 */
  skip(bits) {
    if (bits > this.held) this.peek();
    this.held -= bits;
  }

  /**
   * @param {number} marker
   * @returns {boolean} whether it follows, after at most 7 padding bits
   */
  passMarker(marker) {
    const rest = this.held - this.lacking;
    while (this.bytes[this.at] === 0xff && this.bytes[this.at + 1] === 0xff) this.at++;
    const found = this.bytes[this.at] === 0xff && this.bytes[this.at + 1] === marker;
    [this.at, this.buffer, this.held, this.lacking] = [this.at + 2, 0, 0, 0];
    return found && rest >= 0 && rest < 8;
  }
}

/**
 * The tables of a DHT segment (B.2.4.2 and annex C).
 * @param {Uint8Array} content without its length
 * @param {Map<number, HuffmanTable>} tables receives them, by class times 16 plus destination
 */
export function readHuffmanTables(content, tables) {
  let at = 0;
  while (at + 17 <= content.length) {
    const lengths = content.subarray(at + 1, at + 17);
    const table = new Uint16Array(1 << 16);
    let [code, symbol] = [0, at + 17];
    lengths.forEach((many, index) => {
      const step = 1 << (15 - index);
      for (let one = 0; one < many; one++, code += step) table.fill(((index + 1) << 8) | content[symbol++], code, code + step);
    });
    tables.set(content[at], table);
    at = symbol;
  }
}
