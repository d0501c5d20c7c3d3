// @ts-check
/** The dropped files, including those in folders. */

/** Files that operating systems leave in folders, and the directory file of DICOM media. */
const NO_IMAGE = /^(\..*|Thumbs\.db|desktop\.ini|DICOMDIR)$/i;

/** Paths of dropped files. @type {WeakMap<File, string>} */
const paths = new WeakMap();

/**
 * The path of a file within the folder that was chosen or dropped.
 * @param {File} file
 */
export const pathOf = (file) => paths.get(file) ?? file.webkitRelativePath;

/** @param {File} file */
export const mayBeImage = ({ name }) => !NO_IMAGE.test(name);

/**
 * Must be called inside the drop handler: browsers clear the data afterwards.
 * @param {DataTransfer} data
 * @returns {Promise<File[]>} sorted by name, folder by folder
 */
export async function droppedFiles(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry !== null && entry !== undefined);
  if (!entries.some(({ isDirectory }) => isDirectory)) return [...data.files];
  const files = await Promise.all(entries.map(filesUnder));
  return files.flat().filter(mayBeImage);
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>} unreadable files are skipped
 */
async function filesUnder(entry) {
  if (entry.isFile) return fileOf(/** @type {FileSystemFileEntry} */ (entry));
  const inside = await entriesOf(/** @type {FileSystemDirectoryEntry} */ (entry));
  inside.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  const files = [];
  for (const one of inside) files.push(...(await filesUnder(one)));
  return files;
}

/**
 * @param {FileSystemFileEntry} entry
 * @returns {Promise<File[]>}
 */
const fileOf = (entry) =>
  new Promise((resolve) =>
    entry.file(
      (file) => {
        paths.set(file, entry.fullPath);
        resolve([file]);
      },
      () => resolve([]),
    ),
  );

/**
 * @param {FileSystemDirectoryEntry} folder
 * @returns {Promise<FileSystemEntry[]>}
 */
async function entriesOf(folder) {
  const reader = folder.createReader();
  /** @type {FileSystemEntry[]} */
  const found = [];
  // A reader returns up to 100 entries at a time, and an empty array at the end.
  for (;;) {
    const some = await /** @type {Promise<FileSystemEntry[]>} */ (new Promise((resolve) => reader.readEntries(resolve, () => resolve([]))));
    if (some.length === 0) return found;
    found.push(...some);
  }
}
