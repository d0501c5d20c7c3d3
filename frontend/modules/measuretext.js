// @ts-check
/** Measurements and values as text. */
import { count, decimal } from "./format.js";
import { lengthOf, regionOf } from "./measurements.js";
import { text } from "./text.js";

/** @import { Measurement, Scale } from "./measurements.js" */
/** @import { WindowedImage } from "./windowing.js" */

/**
 * What is inside a region takes time to find, and is needed whenever the image is drawn. Measurements never change.
 * @type {WeakMap<Measurement, {scale: Scale, samples: unknown, region: ReturnType<typeof regionOf>}>}
 */
const regions = new WeakMap();

/**
 * @param {Measurement} measurement
 * @param {WindowedImage} image
 * @param {Scale} scale
 */
function regionIn(measurement, image, scale) {
  const known = regions.get(measurement);
  // Another frame of the file has other values.
  if (known?.scale === scale && known.samples === image.values) return known.region;
  const region = regionOf(measurement, image.values, scale);
  regions.set(measurement, { scale, samples: image.values, region });
  return region;
}

/**
 * What is written beside a measurement on the image.
 * @param {Measurement} measurement
 * @param {WindowedImage} image
 * @param {Scale} scale
 * @param {string} unit of the values
 */
export function shortText(measurement, image, scale, unit) {
  if (measurement.kind === "length") return lengthText(measurement, scale);
  const region = regionIn(measurement, image, scale);
  return region ? region.channels.map(({ mean, deviation }) => `${decimal(mean)} ± ${decimal(deviation)}${unit}`).join(" · ") : "";
}

/**
 * @param {Measurement} measurement
 * @param {WindowedImage} image
 * @param {Scale} scale
 * @param {string} unit of the values
 */
export function fullText(measurement, image, scale, unit) {
  const { kinds, statistics, area, areaMillimetres, colours } = text.imageTools.measuring;
  const kind = kinds[measurement.kind];
  if (measurement.kind === "length") return `${kind}: ${lengthText(measurement, scale)}`;
  const region = regionIn(measurement, image, scale);
  if (!region) return kind;
  const { channels, pixels, squareMillimetres } = region;
  const parts = channels.map(({ mean, deviation, least, most }, index) => {
    const found = statistics(decimal(mean) + unit, decimal(deviation), decimal(least), decimal(most));
    return channels.length > 1 ? `${colours[index]}: ${found}` : found;
  });
  const size = squareMillimetres === null ? area(count(pixels)) : areaMillimetres(decimal(squareMillimetres), count(pixels));
  return `${kind}: ${[...parts, size].join(" · ")}`;
}

/**
 * @param {Measurement} measurement a length
 * @param {Scale} scale
 */
function lengthText(measurement, scale) {
  const { pixels, millimetres } = lengthOf(measurement, scale);
  return millimetres === null ? text.imageTools.measuring.pixels(decimal(pixels)) : `${decimal(millimetres)} mm`;
}

/**
 * The value of a pixel, and where it is.
 * @param {{x: number, y: number}} place in original pixels
 * @param {number[]} values one, or red, green and blue
 * @param {string} unit
 */
export function valueText({ x, y }, values, unit) {
  const value = values.length === 1 ? decimal(values[0]) + unit : `RGB ${values.map(count).join(" ")}`;
  return text.imageTools.measuring.value(count(Math.floor(x)), count(Math.floor(y)), value);
}
