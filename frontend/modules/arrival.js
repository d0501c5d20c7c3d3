// @ts-check
/** The ways an image comes onto the page: picked, dropped anywhere, or pasted. */
import { Problem } from "./api.js";
import { text } from "./text.js";

/**
 * Every button with `data-choose` opens the file picker.
 * @param {object} parts
 * @param {HTMLInputElement} parts.input
 * @param {HTMLElement} parts.dropTarget shows that a drop will be taken; the whole page takes it
 * @param {(file: File) => void} parts.onImage
 * @param {(problem: Problem) => void} parts.onProblem
 */
export function awaitImages({ input, dropTarget, onImage, onProblem }) {
  /** @param {DataTransfer | null} data */
  const take = (data) => {
    const files = [...(data?.files ?? [])];
    if (files.length === 0) return false;
    if (files.length > 1) onProblem(new Problem(text.problem.several));
    else if (holdsFolder(data)) onProblem(new Problem(text.problem.folder));
    else onImage(files[0]);
    return true;
  };

  document.addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest("[data-choose]")) input.click();
  });
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    // Forget the choice, so that choosing the same file again is a change again. The File itself stays readable.
    input.value = "";
    if (file) onImage(file);
  });

  document.addEventListener("paste", (event) => {
    if (take(event.clipboardData)) event.preventDefault();
  });

  // Without these two, a browser leaves the page and opens a file dropped beside the light box.
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    dropTarget.classList.add("drop-target");
  });
  document.addEventListener("drop", (event) => {
    dropTarget.classList.remove("drop-target");
    if (!carriesFiles(event)) return;
    event.preventDefault();
    take(event.dataTransfer);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) dropTarget.classList.remove("drop-target");
  });
}

/** @param {DragEvent} event */
const carriesFiles = (event) => Boolean(event.dataTransfer?.types.includes("Files"));

/** @param {DataTransfer | null} data */
const holdsFolder = (data) => [...(data?.items ?? [])].some((item) => item.webkitGetAsEntry?.()?.isDirectory);
