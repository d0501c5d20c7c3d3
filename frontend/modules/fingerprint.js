// @ts-check
/** Recognises files that were already sent in this session, by content and never by name. */
import { Problem, fetchResult } from "./api.js";
import { contentOf } from "./imagefile.js";

/** @import { Result, Task } from "./types.js" */

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
   * The result of a file, unless it is of no use any more, so that the file is sent again.
   * @param {string} key task and fingerprint
   * @param {Task | undefined} task
   * @param {AbortSignal} signal
   * @returns {Promise<Result | null>} classified or received
   */
  async result(key, task, signal) {
    const id = this.find(key);
    if (!id) return null;
    try {
      const result = await fetchResult(id, signal);
      const versions = [result.model?.version, task?.model?.version];
      const another = versions.every(Boolean) && versions[0] !== versions[1];
      return result.status === "quarantined" || another ? null : result;
    } catch (error) {
      // It has been deleted, or its upload has expired.
      if (error instanceof Problem && (error.status === 404 || error.status === 410)) return null;
      throw error;
    }
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
