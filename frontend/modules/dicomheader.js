// @ts-check
/**
 * Reads the elements of a DICOM file that determine how its image looks, if they are exactly as the standard defines them.
 * Returns null for any other file; the server reads those. (DICOM PS3.5 section 7, PS3.10 section 7.1.)
 */

const EXPLICIT = "1.2.840.10008.1.2.1";
const IMPLICIT = "1.2.840.10008.1.2";

/** Names in results. */
const SYNTAX_NAMES = /** @type {Record<string, string>} */ ({ [EXPLICIT]: "Explicit VR Little Endian", [IMPLICIT]: "Implicit VR Little Endian" });

const UNDEFINED = 0xffffffff;

/** Bytes; the server rejects longer values. */
const MAX_VALUE_LENGTH = 4096;

/** Value representations with a four-byte length after two reserved bytes. */
const LONG = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);
const SHORT = new Set(["AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US"]);

/** Tag and allowed value representations of each element that is read. */
const ELEMENTS = /** @type {const} */ ({
  syntax: [0x00020010, "UI"], class: [0x00080016, "UI"], modality: [0x00080060, "CS"], view: [0x00185101, "CS"],
  laterality: [0x00200060, "CS"], imageLaterality: [0x00200062, "CS"],
  samples: [0x00280002, "US"], photometric: [0x00280004, "CS"], planar: [0x00280006, "US"], frames: [0x00280008, "IS"],
  rows: [0x00280010, "US"], columns: [0x00280011, "US"], allocated: [0x00280100, "US"], stored: [0x00280101, "US"],
  highBit: [0x00280102, "US"], signed: [0x00280103, "US"], padding: [0x00280120, "US SS"], paddingLimit: [0x00280121, "US SS"],
  centre: [0x00281050, "DS"], width: [0x00281051, "DS"], explanation: [0x00281055, "LO"], intercept: [0x00281052, "DS"], slope: [0x00281053, "DS"],
  curve: [0x00281056, "CS"], shape: [0x20500020, "CS"], pixels: [0x7fe00010, "OB OW"],
  spacing: [0x00280030, "DS"], imagerSpacing: [0x00181164, "DS"], scannedSpacing: [0x00182010, "DS"], aspectRatio: [0x00280034, "IS"],
});

/** @typedef {keyof typeof ELEMENTS} Name */

/** Lookup tables and functional groups, which the server uses for grey levels and aspect ratio. */
const NOT_READ = [0x00283000, 0x00283010, 0x52009229, 0x52009230];

const PIXELS = ELEMENTS.pixels[0];
const [FLOAT_PIXELS, DOUBLE_PIXELS] = [0x7fe00008, 0x7fe00009];

/** @typedef {{at: number, length: number, type: string}} Found */

/**
 * @param {ArrayBuffer} head of a file with preamble
 * @returns {Header | null} null for other transfer syntaxes, or if an element is not as expected
 */
export function readHeader(head) {
  const view = new DataView(head);
  /** @type {Map<number, Found>} */
  const found = new Map();
  const header = new Header(view, found);
  try {
    // The file meta information comes first and is always explicit VR.
    let at = 132;
    while (view.getUint16(at, true) === 0x0002) at = readElement(view, found, at, true);
    const syntax = header.text("syntax");
    if (syntax !== EXPLICIT && syntax !== IMPLICIT) return null;
    // Some files are not encoded as they state.
    if (syntax === IMPLICIT && isRepresentation(representation(view, at))) return null;
    while (!found.has(PIXELS)) at = readElement(view, found, at, syntax === EXPLICIT);
  } catch (error) {
    // Past the end: damaged or unusual; the server gives a better message.
    if (error instanceof RangeError) return null;
    throw error;
  }
  return header.isPlain() ? header : null;
}

/**
 * @param {DataView} view
 * @param {number} at offset of an element
 */
const representation = (view, at) => String.fromCharCode(view.getUint8(at + 4), view.getUint8(at + 5));

/** @param {string} type */
const isRepresentation = (type) => LONG.has(type) || SHORT.has(type);

/**
 * @param {DataView} view
 * @param {Map<number, Found>} found receives the element
 * @param {number} at offset of the element
 * @param {boolean} explicit
 * @returns {number} offset of the next element
 */
function readElement(view, found, at, explicit) {
  const tag = view.getUint16(at, true) * 0x10000 + view.getUint16(at + 2, true);
  const type = explicit ? representation(view, at) : "";
  const isUnusual = found.has(tag) || (explicit && !isRepresentation(type)) || tag === FLOAT_PIXELS || tag === DOUBLE_PIXELS;
  if (isUnusual) throw new RangeError("unusual");
  const short = SHORT.has(type);
  const from = at + (LONG.has(type) ? 12 : 8);
  const length = short ? view.getUint16(at + 6, true) : view.getUint32(from - 4, true);
  found.set(tag, { at: from, length, type });
  // The content of a UN element of undefined length is implicit VR (PS3.5 section 6.2.2).
  return length === UNDEFINED ? skipItems(view, from, explicit && type !== "UN") : from + length;
}

/**
 * Skip a sequence of undefined length.
 * @param {DataView} view
 * @param {number} at
 * @param {boolean} explicit
 * @returns {number} offset after the sequence
 */
function skipItems(view, at, explicit) {
  for (;;) {
    const [group, element, length] = [view.getUint16(at, true), view.getUint16(at + 2, true), view.getUint32(at + 4, true)];
    if (group !== 0xfffe) throw new RangeError("no item");
    at += 8;
    if (element === 0xe0dd) return at;
    if (length !== UNDEFINED) {
      at += length;
      continue;
    }
    while (view.getUint32(at, true) !== 0xe00dfffe) at = readElement(view, new Map(), at, explicit);
    at += 8;
  }
}

export class Header {
  /**
   * @param {DataView} view
   * @param {Map<number, Found>} found
   */
  constructor(view, found) {
    this.view = view;
    this.found = found;
  }

  /** Whether every element has the expected type and length, and the image depends on no others. */
  isPlain() {
    const isAsExpected = Object.values(ELEMENTS).every(([tag, types]) => {
      const { type, length } = this.found.get(tag) ?? { type: "", length: 2 };
      if (type !== "" && !types.split(" ").includes(type)) return false;
      if (tag === PIXELS) return length !== UNDEFINED;
      return types.startsWith("US") ? length === 2 : length <= MAX_VALUE_LENGTH;
    });
    return isAsExpected && !NOT_READ.some((tag) => this.found.has(tag));
  }

  /** @param {Name} name */
  has(name) {
    return this.found.has(ELEMENTS[name][0]);
  }

  /** Offset and length of the pixel data. */
  get pixels() {
    return /** @type {Found} */ (this.found.get(PIXELS));
  }

  get syntaxName() {
    return SYNTAX_NAMES[this.text("syntax")];
  }

  /**
   * @param {Name} name
   * @returns {string[]} all values; one empty string if the element is missing
   */
  texts(name) {
    const found = this.found.get(ELEMENTS[name][0]);
    const bytes = found ? new Uint8Array(this.view.buffer, found.at, found.length) : [];
    return String.fromCharCode(...bytes).split("\\").map((text) => text.replace(/^[\0 ]+|[\0 ]+$/g, ""));
  }

  /**
   * @param {Name} name
   * @returns {string} the first value; empty if the element is missing
   */
  text(name) {
    return this.texts(name)[0];
  }

  /**
   * @param {Name} name of an unsigned short
   * @param {number} otherwise returned if it is missing
   */
  short(name, otherwise) {
    const found = this.found.get(ELEMENTS[name][0]);
    return found ? this.view.getUint16(found.at, true) : otherwise;
  }

  /**
   * @param {Name} name of decimal strings
   * @returns {number[]} all values; NaN for each that is missing or not a plain number
   */
  decimals(name) {
    return this.texts(name).map((text) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN));
  }

  /**
   * @param {Name} name of a decimal string
   * @param {number} otherwise returned if it is missing or empty
   * @returns {number} the first value; NaN if it is not a plain number
   */
  decimal(name, otherwise) {
    return this.text(name) === "" ? otherwise : this.decimals(name)[0];
  }
}
