// @ts-check
/** Decodes JPEG and PNG files to 8-bit planes in the browser, with the same reduction as the server's decoder. */
import { readJpeg } from "./jpeg.js";
import { NotPrepared } from "./notprepared.js";
import { readPng } from "./png.js";

/** @import { DecodedImage, Input } from "./prepare.js" */

/** Rows read from the canvas at a time. */
const STRIP = 256;

/** Factors by which a JPEG decoder can reduce while decoding (libjpeg; Pillow's `draft`). */
const REDUCTIONS = [8, 4, 2];

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {Input} input
 * @param {(columns: number, rows: number) => void} checkSize
 * @returns {Promise<DecodedImage>}
 */
export async function decodeJpeg(bytes, input, checkSize) {
  const { columns, rows, orientation, aspect, plain, luma } = readJpeg(bytes);
  checkSize(columns, rows);
  const enough = 2 * Math.max(input.width, input.height);
  const possible = Math.min(Math.floor(columns / enough), Math.floor(rows / enough));
  const by = REDUCTIONS.find((reduction) => possible >= reduction) ?? 1;
  // The server's decoder uses the luma stored in the file. Luma computed from RGB would lose values that RGB cannot represent.
  const isLuma = luma !== null && input.channels === 1;
  const { width, height, planes } = await decode(isLuma ? luma : plain, { columns, rows }, isLuma ? [red] : mixes(input.channels));
  const small = { width: Math.ceil(width / by), height: Math.ceil(height / by) };
  const reduced = by === 1 ? planes : planes.map((plane) => reduce(plane, width, height, by));
  const turned = orientation >= 5 && orientation <= 8;
  return {
    planes: reduced.map((plane) => turn(plane, small, orientation)),
    ...(turned ? { width: small.height, height: small.width } : small),
    aspect: turned ? 1 / aspect : aspect,
    source: turned ? { format: "JPEG", rows: columns, columns: rows } : { format: "JPEG", rows, columns },
  };
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {Input} input
 * @param {(columns: number, rows: number) => void} checkSize
 * @returns {Promise<DecodedImage>}
 */
export async function decodePng(bytes, input, checkSize) {
  const { columns, rows, aspect, plain } = await readPng(bytes, checkSize);
  return { ...(await decode(plain, { columns, rows }, mixes(input.channels))), aspect, source: { format: "PNG", rows, columns } };
}

/** @typedef {(red: number, green: number, blue: number) => number} Mix the value of a plane for a pixel */

/** @type {Mix} */
const red = (red) => red;

/**
 * @param {1 | 3} channels
 * @returns {Mix[]}
 */
const mixes = (channels) => (channels === 1 ? [grey] : [red, (_, green) => green, (_, __, blue) => blue]);

/**
 * @param {Blob} file
 * @param {{columns: number, rows: number}} size size stated in the file
 * @param {Mix[]} mixes one per plane
 */
async function decode(file, { columns, rows }, mixes) {
  // The stored values: no colour management, no premultiplied alpha.
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = bitmap;
  if (width !== columns || height !== rows) throw new NotPrepared("damaged");
  const planes = mixes.map(() => new Uint8Array(width * height));
  const canvas = new OffscreenCanvas(width, Math.min(STRIP, height));
  const options = { alpha: false, willReadFrequently: true };
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", options));
  for (let row = 0; row < height; row += STRIP) {
    // Transparent parts become black, like the background of radiographs.
    context.fillRect(0, 0, width, canvas.height);
    context.drawImage(bitmap, 0, -row);
    const { data } = context.getImageData(0, 0, width, Math.min(STRIP, height - row));
    mixes.forEach((mix, plane) => separate(data, planes[plane], row * width, mix));
  }
  bitmap.close();
  return { width, height, planes };
}

/**
 * @param {ArrayLike<number>} data red, green, blue and alpha of each pixel
 * @param {Uint8Array} plane
 * @param {number} from index of the first pixel in the plane
 * @param {Mix} mix
 */
function separate(data, plane, from, mix) {
  for (let pixel = 0; pixel < data.length / 4; pixel++) plane[from + pixel] = mix(data[pixel * 4], data[pixel * 4 + 1], data[pixel * 4 + 2]);
}

/**
 * Luma of ITU-R 601 as Pillow rounds it (libImaging/Convert.c).
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 */
export const grey = (red, green, blue) => (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;

/**
 * Means over squares, which equal the smaller inverse transforms of a JPEG decoder (libjpeg-turbo, jidctred.c). Beyond the
 * right and lower edges an encoder repeats the last pixels.
 * @param {Uint8Array} plane
 * @param {number} width
 * @param {number} height
 * @param {number} by side of the squares
 */
function reduce(plane, width, height, by) {
  const across = Math.ceil(width / by);
  const small = new Uint8Array(across * Math.ceil(height / by));
  const sums = new Uint32Array(across);
  for (let row = 0; row < small.length / across; row++) {
    sums.fill((by * by) / 2);
    for (let y = row * by; y < (row + 1) * by; y++) {
      const from = Math.min(y, height - 1) * width;
      for (let x = 0; x < across * by; x++) sums[Math.floor(x / by)] += plane[from + Math.min(x, width - 1)];
    }
    for (let x = 0; x < across; x++) small[row * across + x] = sums[x] / (by * by);
  }
  return small;
}

/**
 * Rotate or mirror a plane so that the image is upright (Exif 2.3, Orientation).
 * @param {Uint8Array} plane
 * @param {{width: number, height: number}} size
 * @param {number} orientation
 * @returns {Uint8Array}
 */
function turn(plane, { width, height }, orientation) {
  if (!(orientation >= 2 && orientation <= 8)) return plane;
  const swapped = orientation >= 5;
  const [columns, rows] = swapped ? [height, width] : [width, height];
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBelow = [3, 4, 6, 7].includes(orientation);
  const made = new Uint8Array(plane.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [x, y] = swapped ? [row, column] : [column, row];
      made[row * columns + column] = plane[(fromBelow ? height - 1 - y : y) * width + (fromRight ? width - 1 - x : x)];
    }
  }
  return made;
}
