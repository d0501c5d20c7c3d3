// @ts-check
/** From an image to its result: small single images in one API call, others through the bucket. */
import { Problem, classify, createUpload, fetchResult, request } from "./api.js";
import { maxImageBytes } from "./deployment.js";
import { requireReadable } from "./imagefile.js";
import { isTransient, withRetries, pause } from "./retry.js";
import { text } from "./text.js";

/** @import { Result, UploadTicket } from "./types.js" */

const FIRST_WAIT_MS = 400;
const MAX_WAIT_MS = 5_000;
const GIVE_UP_MS = 120_000;

/** An upload without progress for this long has lost its connection, which browsers may not notice. */
const STALLED_MS = 60_000;

/** The bucket's answer when the upload permission has expired. */
const REFUSED = 403;

/**
 * @param {string} task
 * @param {Blob} image
 * @param {string} contentType
 * @param {{signal: AbortSignal, onUpload: (share: number) => void, onSent: () => void}} options
 *   `onUpload` receives the share uploaded (0 to 1); `onSent` is called when the upload is complete
 * @returns {Promise<Result>} classified or quarantined
 */
export async function submit(task, image, contentType, { signal, onUpload, onSent }) {
  if (image.size <= maxImageBytes()) {
    onSent();
    return checkingFile(image, () => classify(task, image, contentType, signal));
  }
  const ticket = await upload(task, image, contentType, { signal, onUpload });
  onSent();
  return waitForResult(ticket.id, signal);
}

/** Uploads under way, by the ids of their results. @type {Set<string>} */
const underWay = new Set();

/**
 * Tell the server that a file will not arrive, so that nobody waits for it. Also works while the page is being left.
 * @param {string} id of the result
 */
function giveUp(id) {
  if (underWay.delete(id)) request(`/uploads/${encodeURIComponent(id)}`, { method: "DELETE", keepalive: true }).catch(() => {});
}

addEventListener("pagehide", () => [...underWay].forEach(giveUp));

/**
 * Upload an image to the bucket, with retries. Sending the same form twice makes one image.
 * @param {string} task
 * @param {Blob} image
 * @param {string} contentType
 * @param {{signal: AbortSignal, onUpload: (share: number) => void}} options
 * @returns {Promise<UploadTicket>}
 */
export async function upload(task, image, contentType, { signal, onUpload }) {
  const authorize = () => withRetries(() => createUpload(task, image.size, contentType, signal), signal);
  const send = async (/** @type {UploadTicket} */ ticket) => {
    underWay.add(ticket.id);
    try {
      await withRetries(() => checkingFile(image, () => post(ticket.upload, image, signal, onUpload)), signal);
      underWay.delete(ticket.id);
    } finally {
      giveUp(ticket.id);
    }
  };
  const ticket = await authorize();
  try {
    await send(ticket);
    return ticket;
  } catch (error) {
    if (!(error instanceof Problem && error.status === REFUSED)) throw error;
  }
  const renewed = await authorize();
  await send(renewed);
  return renewed;
}

/**
 * Poll for a result, at increasing intervals.
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<Result>} classified or quarantined
 * @throws {Problem} if there is none after two minutes
 */
export async function waitForResult(id, signal) {
  const giveUp = performance.now() + GIVE_UP_MS;
  for (let wait = FIRST_WAIT_MS; performance.now() < giveUp; wait = Math.min(wait * 1.5, MAX_WAIT_MS)) {
    await pause(wait, signal);
    try {
      const result = await fetchResult(id, signal);
      if (result.status !== "received") return result;
    } catch (error) {
      // Not found: the image has not arrived yet.
      if (!isTransient(error) && !(error instanceof Problem && error.status === 404)) throw error;
    }
  }
  throw new Problem(text.problem.noResult, { code: "NoResult" });
}

/**
 * Run an upload, and report a moved or deleted file, which fails like a network error.
 * @template Answer
 * @param {Blob} image
 * @param {() => Promise<Answer>} send
 * @returns {Promise<Answer>}
 * @throws {Problem} that names the real cause
 */
async function checkingFile(image, send) {
  try {
    return await send();
  } catch (error) {
    if (error instanceof Problem && error.code === "Network") await requireReadable(image);
    throw error;
  }
}

/**
 * Post a form to the bucket. Uses XMLHttpRequest, because fetch does not report upload progress.
 * @param {UploadTicket["upload"]} form
 * @param {Blob} image
 * @param {AbortSignal} signal
 * @param {(share: number) => void} onUpload
 * @returns {Promise<void>}
 */
export async function post({ url, fields }, image, signal, onUpload) {
  signal.throwIfAborted();
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  // S3 ignores fields after the file, so it comes last. Its real name is not sent: it may contain a patient's name.
  form.append("file", image, "image");
  const request = new XMLHttpRequest();
  const stop = () => request.abort();
  let timer = 0;
  const moved = () => {
    clearTimeout(timer);
    timer = window.setTimeout(stop, STALLED_MS);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    await new Promise((resolve, reject) => {
      const lost = () => reject(new Problem(text.problem.network, { code: "Network" }));
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        moved();
        onUpload(loaded / total);
      });
      request.addEventListener("load", () => {
        if (request.status >= 200 && request.status < 300) resolve(undefined);
        else reject(new Problem(text.problem.uploadRefused, { status: request.status, code: "UploadRefused" }));
      });
      request.addEventListener("error", lost);
      request.addEventListener("abort", () => (signal.aborted ? reject(signal.reason) : lost()));
      request.open("POST", url);
      request.send(form);
      moved();
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}
