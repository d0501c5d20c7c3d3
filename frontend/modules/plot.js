// @ts-check
/** A plot from training, shown as an image so that no script in it can run. */
import { element, fill } from "./dom.js";
import { note } from "./sheet.js";

/**
 * @param {() => Promise<string>} fetchPlot returns the SVG
 * @param {string} alt text alternative and caption
 * @param {AbortSignal} signal aborted when the view is closed
 */
export function plot(fetchPlot, alt, signal) {
  const frame = element("div", { className: "plot" });
  const load = async () => {
    try {
      const url = URL.createObjectURL(new Blob([await fetchPlot()], { type: "image/svg+xml" }));
      signal.addEventListener("abort", () => URL.revokeObjectURL(url), { once: true });
      fill(frame, element("img", { src: url, alt: alt }));
    } catch (error) {
      fill(frame, note(error, load));
    }
  };
  load();
  return element("figure", {}, frame, element("figcaption", {}, alt));
}
