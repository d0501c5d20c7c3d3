// @ts-check
/** Sorts chosen files by folder, and finds the class that a folder is named after. */
import { mayBeImage, pathOf } from "./folder.js";

/** @import { Task } from "./types.js" */

/** The outlines that come with some data sets: `benign/a_mask.png` or `masks/benign/a_mask_1.png` for `benign/a.png`. */
const MASK = /^(?<image>.*)_mask(?:_\d+)?\.png$/;
const MASKS = /(^|\/)masks\//;

/**
 * @typedef {object} Folder
 * @property {string} name empty for files in no folder
 * @property {string} label name of its class; empty if its name tells none
 * @property {File[]} files
 */

/**
 * @param {File[]} files
 * @param {Task} task
 * @returns {Folder[]} by name
 */
export function sortByFolder(files, task) {
  const classes = classNames(task);
  /** @type {Map<string, Folder>} */
  const folders = new Map();
  for (const file of withoutMasks(files.filter(mayBeImage))) {
    const parents = pathOf(file).split("/").filter(Boolean).slice(0, -1);
    // Outside of a class's folder, the folder below the chosen one says most.
    const name = parents.find((parent) => classes.has(plain(parent))) ?? parents[1] ?? parents[0] ?? "";
    const folder = folders.get(name) ?? { name, label: classes.get(plain(name)) ?? "", files: [] };
    folder.files.push(file);
    folders.set(name, folder);
  }
  return [...folders.values()].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
}

/**
 * The files without the masks of images among them, which a training leaves out, too.
 * @param {File[]} files
 */
function withoutMasks(files) {
  const images = new Set(files.map((file) => pathOf(file).replace(/\.[^./]*$/, "")));
  return files.filter((file) => {
    const image = MASK.exec(pathOf(file))?.groups?.image;
    return image === undefined || !images.has(image.replace(MASKS, "$1"));
  });
}

/**
 * The classes by every name that a folder may have: name, title, and their initials (DME) if no other class has the same.
 * @param {Task} task
 * @returns {Map<string, string>}
 */
function classNames({ classes }) {
  const initials = classes.map(({ name }) => plain(name).split("-").map(([first]) => first).join(""));
  const found = new Map();
  initials.forEach((short, index) => {
    if (short.length > 1 && initials.indexOf(short) === initials.lastIndexOf(short)) found.set(short, classes[index].name);
  });
  for (const { name, title } of classes) found.set(plain(title), name).set(plain(name), name);
  return found;
}

/**
 * A name without the differences that do not matter: case, blanks, hyphens.
 * @param {string} name
 */
const plain = (name) =>
  name.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || name.trim();
