// @ts-check
/** Sorts chosen files by folder, and finds the class that a folder is named after. */
import { mayBeImage, pathOf } from "./folder.js";

/** @import { Task } from "./types.js" */

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
  for (const file of files.filter(mayBeImage)) {
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
 * A name without the differences that do not matter: case, blanks, hyphens, accents.
 * @param {string} name
 */
const plain = (name) => name.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
