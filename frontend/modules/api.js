// @ts-check
/** The HTTP API: one function a route. Every failure is a Problem that can be shown to a reader as it is. */
import { text } from "./text.js";

/** @import { Catalogue, Health, Result, ResultPage, UploadTicket } from "./types.js" */

/** Longer than API Gateway ever waits for a Lambda (29 s). */
const ANSWER_MS = 40_000;

/** Something went wrong that the reader should know: `message` says what to do about it. */
export class Problem extends Error {
  /**
   * @param {string} message
   * @param {{code?: string, status?: number, requestId?: string | null}} [details]
   */
  constructor(message, { code = "Problem", status = 0, requestId = null } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.requestId = requestId;
  }
}

/** @returns {Promise<Health>} */
export const fetchHealth = async () => (await request("/health")).json();

/** @returns {Promise<Catalogue>} */
export const fetchTasks = async () => (await request("/tasks")).json();

/**
 * Classify an image of at most 4.5 MB in one call.
 * @param {string} task
 * @param {Blob} image
 * @param {string} contentType
 * @param {AbortSignal} signal
 * @returns {Promise<Result>}
 */
export async function classify(task, image, contentType, signal) {
  const headers = { "Content-Type": contentType };
  return (await request(`/tasks/${encodeURIComponent(task)}/classify`, { method: "POST", body: image, headers, signal })).json();
}

/**
 * Ask for leave to upload an image straight into the bucket. The file's name is not sent: it may hold a patient's.
 * @param {string} task
 * @param {number} size bytes
 * @param {string} contentType
 * @param {AbortSignal} signal
 * @returns {Promise<UploadTicket>}
 */
export async function createUpload(task, size, contentType, signal) {
  return (await request("/uploads", { method: "POST", ...json({ task, size, content_type: contentType }), signal })).json();
}

/**
 * @param {string} id
 * @param {AbortSignal} [signal]
 * @returns {Promise<Result>}
 */
export const fetchResult = async (id, signal) => (await request(`/results/${encodeURIComponent(id)}`, { signal })).json();

/**
 * What the model saw of an image, as a PNG.
 * @param {string} id
 * @returns {Promise<Blob>}
 */
export async function fetchPreview(id) {
  // API Gateway hands out binary only to a request that accepts nothing else.
  return (await request(`/results/${encodeURIComponent(id)}/preview`, { headers: { Accept: "image/png" } })).blob();
}

/**
 * @param {{task: string, needsReview: boolean, cursor: string | null, limit: number}} filter
 * @returns {Promise<ResultPage>}
 */
export async function fetchResults({ task, needsReview, cursor, limit }) {
  const query = new URLSearchParams({ task, limit: String(limit) });
  if (needsReview) query.set("needs_review", "true");
  if (cursor) query.set("cursor", cursor);
  return (await request(`/results?${query}`)).json();
}

/** @param {string} task */
export const csvAddress = (task) => `/api/results.csv?${new URLSearchParams({ task })}`;

/**
 * @param {string} id
 * @param {string} label
 * @param {string} comment
 * @returns {Promise<Result>}
 */
export async function saveReview(id, label, comment) {
  const review = comment ? { label, comment } : { label };
  return (await request(`/results/${encodeURIComponent(id)}/review`, { method: "PUT", ...json(review) })).json();
}

/** @param {unknown} value */
const json = (value) => ({ body: JSON.stringify(value), headers: { "Content-Type": "application/json" } });

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>} a successful one
 */
async function request(path, { signal, ...options } = {}) {
  const limits = [AbortSignal.timeout(ANSWER_MS), ...(signal ? [signal] : [])];
  let response;
  try {
    response = await fetch(`/api${path}`, { ...options, signal: AbortSignal.any(limits) });
  } catch (error) {
    if (signal?.aborted) throw error;
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new Problem(late ? text.problem.tookTooLong : text.problem.network, { code: "Network" });
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/**
 * The API's own words where it sent some; a gateway in between may have answered with anything.
 * @param {Response} response
 */
async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  const ours = typeof body.code === "string" && typeof body.message === "string";
  return new Problem(ours ? body.message : wordsFor(response.status), {
    code: ours ? body.code : `Http${response.status}`,
    status: response.status,
    requestId: body.request_id ?? response.headers.get("x-amzn-requestid"),
  });
}

/** @param {number} status */
function wordsFor(status) {
  if (status === 401 || status === 403) return text.problem.signIn;
  if (status === 404) return text.problem.notFound;
  if (status === 429 || status === 503) return text.problem.overloaded;
  if (status === 504) return text.problem.tookTooLong;
  return text.problem.server;
}
