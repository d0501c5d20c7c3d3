// @ts-check
/** Recognises a file that has been sent before in this session, by its content and never by its name. */

const KEY = "negatoscope.sent";

/** 128 bits of SHA-256 tell files apart as well, and a session's memory is small. */
const DIGITS = 32;

/**
 * @param {Blob} file
 * @returns {Promise<string | null>} hexadecimal digits; null where the browser cannot tell, as without HTTPS
 */
export async function fingerprint(file) {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, DIGITS);
}

/** Which result the content of a file led to. Lives as long as the tab, also when the page is left and opened again. */
export class SentFiles {
  constructor() {
    /** @type {Record<string, string>} result ids by task and fingerprint */
    this.results = recall();
  }

  /**
   * @param {string} key task and fingerprint
   * @returns {string | undefined} the id of its result
   */
  find(key) {
    return this.results[key];
  }

  /**
   * @param {string} key task and fingerprint
   * @param {string} id of its result
   */
  note(key, id) {
    this.results[key] = id;
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.results));
    } catch {
      // Full, or nothing is kept: it holds until the page is left.
    }
  }
}

/** @returns {Record<string, string>} */
function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}
