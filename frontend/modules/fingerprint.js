// @ts-check
/** Recognises files that were already sent in this session, by content and never by name. */
import { contentOf } from "./imagefile.js";

const PREFIX = "negatoscope.sent/";

/** 128 bits of the SHA-256 are enough, and session storage is small. */
const DIGITS = 32;

/**
 * @param {Blob} file
 * @returns {Promise<string | null>} hexadecimal digits; null if the browser cannot compute it, for example without HTTPS
 * @throws {Problem} if the file can no longer be read
 */
export const fingerprint = async (file) => (await digest(file))?.slice(0, DIGITS) ?? null;

/**
 * The same with all digits of the SHA-256.
 * @param {Blob} file
 * @returns {Promise<string | null>}
 */
export async function digest(file) {
  if (!globalThis.crypto?.subtle) return null;
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await contentOf(file)));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Result ids by file content. Kept as long as the tab, also across reloads. */
export class SentFiles {
  constructor() {
    /** What could not be stored. @type {Map<string, string>} result ids by task and fingerprint */
    this.unkept = new Map();
  }

  /**
   * @param {string} key task and fingerprint
   * @returns {string | undefined} the id of its result
   */
  find(key) {
    return this.unkept.get(key) ?? kept(key) ?? undefined;
  }

  /**
   * Each file has its own entry; one for all would be rewritten for each of thousands of files.
   * @param {string} key task and fingerprint
   * @param {string} id of its result
   */
  note(key, id) {
    try {
      sessionStorage.setItem(PREFIX + key, id);
    } catch {
      // Storage is full or disabled: keep it until the page is left.
      this.unkept.set(key, id);
    }
  }

  /**
   * Forget a file, so that it is sent again.
   * @param {string} key task and fingerprint
   */
  forget(key) {
    this.unkept.delete(key);
    try {
      sessionStorage.removeItem(PREFIX + key);
    } catch {
      // Storage is disabled.
    }
  }
}

/** @param {string} key */
function kept(key) {
  try {
    return sessionStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}
