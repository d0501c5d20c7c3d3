// @ts-check
/** Recognises a file that has been sent before in this session, by its content and never by its name. */
import { contentOf } from "./imagefile.js";

const PREFIX = "negatoscope.sent/";

/** 128 bits of SHA-256 tell files apart as well, and a session's memory is small. */
const DIGITS = 32;

/**
 * @param {Blob} file
 * @returns {Promise<string | null>} hexadecimal digits; null where the browser cannot tell, as without HTTPS
 * @throws {Problem} if the file cannot be read any more
 */
export async function fingerprint(file) {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await contentOf(file)));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, DIGITS);
}

/** Which result the content of a file led to. Lives as long as the tab, also when the page is left and opened again. */
export class SentFiles {
  constructor() {
    /** What the browser would not keep. @type {Map<string, string>} result ids by task and fingerprint */
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
   * Each has an entry of its own: with one for all, every file of thousands would write all those before it again.
   * @param {string} key task and fingerprint
   * @param {string} id of its result
   */
  note(key, id) {
    try {
      sessionStorage.setItem(PREFIX + key, id);
    } catch {
      // Full, or nothing is kept: it holds until the page is left.
      this.unkept.set(key, id);
    }
  }

  /**
   * Send the content anew when it comes again.
   * @param {string} key task and fingerprint
   */
  forget(key) {
    this.unkept.delete(key);
    try {
      sessionStorage.removeItem(PREFIX + key);
    } catch {
      // Nothing is kept.
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
