// @ts-check
/** The ways images come onto the page: picked, photographed, dropped anywhere, or pasted. */
import { droppedFiles, mayBeImage } from "./folder.js";

/**
 * Every button with `data-choose` opens the picker of the input that it names.
 * @param {object} parts
 * @param {Record<string, HTMLInputElement>} parts.inputs by the name that buttons give
 * @param {HTMLElement} parts.dropTarget shows that a drop will be taken; the whole page takes it
 * @param {(files: File[]) => void} parts.onFiles hears of one file or many; of none where a folder held none
 */
export function listenForImages({ inputs, dropTarget, onFiles }) {
  document.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("[data-choose]") : null;
    if (button) inputs[button.getAttribute("data-choose") ?? ""]?.click();
  });
  for (const input of Object.values(inputs)) {
    input.addEventListener("change", () => {
      const files = [...(input.files ?? [])];
      // Forget the choice, so that choosing the same file again is a change again. The Files themselves stay readable.
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

  // Without these two, a browser leaves the page and opens a file dropped beside the light box.
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
