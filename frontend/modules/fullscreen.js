// @ts-check
/** The light box over the whole page, and over the whole screen where the browser can do that. */

/** Everything else on the page: it must take no focus while it is covered. */
const COVERED = ".skip-link, .site-header, .result, .worklist, .queue, .site-footer";

/** @param {HTMLElement} lightBox */
const isFull = (lightBox) => lightBox.classList.contains("full");

/**
 * @param {HTMLElement} lightBox
 * @param {(full: boolean) => void} onChange
 * @returns {() => void} switches between the whole screen and the usual size
 */
export function fullScreen(lightBox, onChange) {
  const set = (/** @type {boolean} */ full) => {
    if (full === isFull(lightBox)) return;
    lightBox.classList.toggle("full", full);
    for (const part of document.querySelectorAll(COVERED)) part.toggleAttribute("inert", full);
    onChange(full);
  };
  const leave = () => {
    set(false);
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
  };
  document.addEventListener("fullscreenchange", () => {
    // Left while the browser was still entering, or by the browser's own key.
    if (!document.fullscreenElement || !isFull(lightBox)) leave();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !isFull(lightBox)) return;
    // It ends nothing else.
    event.preventDefault();
    leave();
  });
  return () => {
    if (isFull(lightBox)) return leave();
    set(true);
    // Dialogs and notices belong to the page, so the page becomes full, and not the light box alone.
    document.documentElement.requestFullscreen?.().catch(() => {});
  };
}
