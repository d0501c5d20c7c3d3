// @ts-check
/**
 * The names of the files that were classified with this browser. They may name patients, so they stay in this browser, are
 * never sent, and are deleted on request.
 */

const DATABASE = "negatoscope";
const STORE = "filenames";
const BY_USER = "user";

/** More than a year of daily work; the oldest are deleted first. */
const MAX_NAMES = 50_000;

/** Of the current user, by the result's id. @type {Map<string, string>} */
const names = new Map();

let user = "";
/** @type {Promise<IDBDatabase | null> | null} */
let database = null;

/** @param {string} id of a result */
export const nameOf = (id) => names.get(id) ?? "";

/**
 * Whether the name of a result's file contains a text. Capitals do not count, nor how many characters an umlaut has, as on a Mac.
 * @param {string} id of the result
 * @param {string} wanted
 */
export const isNamed = (id, wanted) => folded(nameOf(id)).includes(folded(wanted));

/** @param {string} text */
const folded = (text) => text.trim().normalize().toLowerCase();

/**
 * The ids of the results whose files have names that contain a text, those of the latest files first.
 * @param {string} wanted
 */
export const idsNamed = (wanted) => [...names.keys()].filter((id) => isNamed(id, wanted)).reverse();

export const hasNames = () => names.size > 0;

export const countNames = () => names.size;

/**
 * Load the names that a user's earlier visits kept.
 * @param {string} who the current user; users of the same browser do not see each other's names
 */
export async function loadNames(who) {
  user = who;
  const store = await open("readonly");
  if (!store) return;
  /** @type {{id: string, name: string, at: number}[]} */
  const kept = await answered(store.index(BY_USER).getAll(user));
  kept.sort((a, b) => a.at - b.at);
  for (const { id, name } of kept.slice(-MAX_NAMES)) names.set(id, name);
  const old = kept.slice(0, -MAX_NAMES);
  if (old.length) await deleteKept(old.map(({ id }) => id));
}

/**
 * Keep the name of a file.
 * @param {string} id of its result
 * @param {string} name
 */
export async function keepName(id, name) {
  names.set(id, name);
  const store = await open("readwrite");
  store?.put({ id, name, user, at: Date.now() });
}

/** Forget all names of the current user, also those that another tab has kept. */
export async function forgetNames() {
  names.clear();
  const store = await open("readwrite");
  for (const id of store ? await answered(store.index(BY_USER).getAllKeys(user)) : []) store?.delete(id);
}

/** @param {string[]} ids */
async function deleteKept(ids) {
  const store = await open("readwrite");
  for (const id of ids) store?.delete(id);
}

/**
 * @param {IDBTransactionMode} mode
 * @returns {Promise<IDBObjectStore | null>} null where the browser keeps nothing, as in some private windows
 */
async function open(mode) {
  database ??= openDatabase();
  return (await database)?.transaction(STORE, mode).objectStore(STORE) ?? null;
}

/** @returns {Promise<IDBDatabase | null>} */
async function openDatabase() {
  try {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" }).createIndex(BY_USER, BY_USER);
    return await answered(request);
  } catch {
    return null;
  }
}

/**
 * @template Answer
 * @param {IDBRequest<Answer>} request
 * @returns {Promise<Answer>}
 */
const answered = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
