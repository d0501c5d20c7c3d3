// @ts-check
/** How an image is shown, in words: the readout in the corner of the light box. */
import { count, wholePercent } from "./format.js";
import { text } from "./text.js";

/** @import { Pane } from "./pane.js" */

/**
 * The window, the zoom, and how the image lies if that is not as usual.
 * @param {Pane} pane
 */
export function readoutOf({ image: { window: { low, high } }, scale, viewport: { orientation } }) {
  const { grey, mirrored, turned } = text.imageTools;
  return [
    grey(count(high - low), count((high + low) / 2), wholePercent(scale)),
    orientation.mirrored && mirrored,
    orientation.turns > 0 && turned(count(90 * orientation.turns)),
  ].filter(Boolean).join(" · ");
}
