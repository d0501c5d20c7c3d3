// @ts-check
/** The ways to add images: file picker, camera, drop and paste. */
import { droppedFiles, mayBeImage } from "./folder.js";

/**
 * Each button with `data-choose` opens the picker of the input it names.
 * @param {object} parts
 * @param {Record<string, HTMLInputElement>} parts.inputs by the name in `data-choose`
 * @param {HTMLElement} parts.dropTarget highlighted while files are dragged over the page; the whole page accepts drops
 * @param {(files: File[]) => void} parts.onFiles called with one or more files, or with none for an empty folder
 */
export function listenForImages({ inputs, dropTarget, onFiles }) {
  document.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("[data-choose]") : null;
    if (button) inputs[button.getAttribute("data-choose") ?? ""]?.click();
  });
  for (const input of Object.values(inputs)) {
    input.addEventListener("change", () => {
      const files = [...(input.files ?? [])];
      // Reset the input, so that choosing the same file again fires a change event. The File objects stay readable.
      input.value = "";
      onFiles(input.webkitdirectory ? files.filter(mayBeImage) : files);
    });
  }

  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    onFiles(files);
  });

  // Without these two handlers, the browser would leave the page and open the dropped file.
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    dropTarget.classList.add("drop-target");
  });
  document.addEventListener("drop", async (event) => {
    dropTarget.classList.remove("drop-target");
    if (!carriesFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    onFiles(await droppedFiles(event.dataTransfer));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) dropTarget.classList.remove("drop-target");
  });
}

/** @param {DragEvent} event */
const carriesFiles = (event) => Boolean(event.dataTransfer?.types.includes("Files"));
