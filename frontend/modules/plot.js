// @ts-check
/** A plot from training, shown as an image so that no script in it can run. It can be enlarged. */
import { element, fill } from "./dom.js";
import { withTitles } from "./plotlabels.js";
import { note } from "./sheet.js";
import { SERVER_LANGUAGE, text } from "./text.js";

/** @import { Task } from "./types.js" */

/**
 * @param {() => Promise<string>} fetchPlot returns the SVG
 * @param {string} caption as training wrote it
 * @param {AbortSignal} signal aborted when the view is closed
 * @param {Task} [task] whose classes the plot shows
 */
export function plot(fetchPlot, caption, signal, task) {
  const alt = text.plotWords[caption] ?? caption;
  const frame = element("div", { className: "plot" });
  const label = text.modelPages.enlarge;
  const button = element("button", { type: "button", className: "quiet", hidden: true, "aria-label": `${label}: ${alt}` }, label);
  const load = async () => {
    try {
      const url = URL.createObjectURL(new Blob([withTitles(await fetchPlot(), task)], { type: "image/svg+xml" }));
      signal.addEventListener("abort", () => URL.revokeObjectURL(url), { once: true });
      const open = () => enlarge(url, alt);
      fill(frame, element("img", { src: url, alt, onclick: open }));
      button.onclick = open;
      button.hidden = false;
    } catch (error) {
      fill(frame, note(error, load));
    }
  };
  load();
  return element("figure", alt === caption ? { lang: SERVER_LANGUAGE } : {}, frame, element("figcaption", { className: "plot-caption" }, alt, button));
}

/**
 * Show a plot as large as the window.
 * @param {string} url
 * @param {string} alt
 */
function enlarge(url, alt) {
  const close = element("button", { type: "button", autofocus: true }, text.modelPages.close);
  const dialog = element("dialog", { className: "enlarged plot", "aria-label": alt }, element("img", { src: url, alt }), close);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
