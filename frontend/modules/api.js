// @ts-check
/** The HTTP API: one function per route. Every failure is a Problem whose message can be shown to the user as it is. */
import { reasonText } from "./reasons.js";
import { renewToken, token } from "./session.js";
import { text } from "./text.js";

/** @import { Catalogue, Health, HeatMap, Me, Result, ResultPage, Review, Selection, UploadTicket } from "./types.js" */

/** Longer than API Gateway's own timeout (29 s). */
const ANSWER_MS = 40_000;

/** For a model package on a slow connection. */
const PACKAGE_MS = 600_000;

/** Tolerance for clock differences among servers and for the rounding of the Date header. */
const CLOCK_MS = 5_000;

/** An error for the user: `message` says what is wrong and what to do. */
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

/**
 * A module of the page that is loaded only when it is needed.
 * @template Module
 * @param {Promise<Module>} module
 * @returns {Promise<Module>}
 * @throws {Problem} if it cannot be loaded
 */
export const whenLoaded = (module) =>
  module.catch(() => {
    throw new Problem(text.problem.network, { code: "Network" });
  });

/** @returns {Promise<Health>} */
export const fetchHealth = async () => (await request("/health")).json();

/** @returns {Promise<Me>} */
export const fetchMe = async () => (await request("/me")).json();

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
 * Request permission to upload an image directly to the bucket. The file name is not sent: it may contain a patient's name.
 * @param {string} task
 * @param {number} size bytes
 * @param {string} contentType
 * @param {AbortSignal} signal
 * @returns {Promise<UploadTicket>}
 */
export async function createUpload(task, size, contentType, signal) {
  const response = await request("/uploads", { method: "POST", ...json({ task, size, content_type: contentType }), signal });
  // The server's time, because the clock of this device may be wrong.
  const asked = Date.parse(response.headers.get("Date") ?? "") || Date.now();
  return { ...(await response.json()), since: new Date(asked - CLOCK_MS).toISOString() };
}

/**
 * @param {string} id
 * @param {AbortSignal} [signal]
 * @returns {Promise<Result>}
 */
export const fetchResult = async (id, signal) => (await request(`/results/${encodeURIComponent(id)}`, { signal })).json();

/**
 * The model input of an image, as a PNG.
 * @param {string} id
 * @returns {Promise<Blob>}
 */
export async function fetchPreview(id) {
  // API Gateway returns binary data only if the request accepts nothing else.
  return (await request(`/results/${encodeURIComponent(id)}/preview`, { headers: { Accept: "image/png" } })).blob();
}

/**
 * The heat map of any class of a result.
 * @param {string} id
 * @param {string} label
 * @returns {Promise<HeatMap>}
 */
export async function fetchHeatMap(id, label) {
  return (await request(`/results/${encodeURIComponent(id)}/heatmap?${new URLSearchParams({ label })}`)).json();
}

/**
 * @param {Partial<Selection>} selection
 * @param {{limit?: number, cursor?: string | null}} page the API's default without `limit`
 * @returns {Promise<ResultPage>}
 */
export async function fetchResults(selection, { limit, cursor } = {}) {
  const query = new URLSearchParams(parameters({ ...selection, limit, cursor }));
  return (await request(`/results?${query}`)).json();
}

/**
 * A file of the API, for links that need a token.
 * @param {string} address such as the one csvAddress returns
 */
export const fetchFile = (address) => request(address.replace(/^.*?\/api\//, "/"));

/** @param {Partial<Selection>} selection */
export const csvAddress = (selection) => `/api/results.csv?${new URLSearchParams(parameters(selection))}`;

/**
 * A model package (model.tar.gz), served from the data bucket.
 * @param {string} task
 * @param {string} version of the model
 * @param {AbortSignal} signal
 * @returns {Promise<Response>}
 */
export const fetchModelPackage = (task, version, signal) =>
  request(`/tasks/${encodeURIComponent(task)}/models/${encodeURIComponent(version)}/model.tar.gz`, { signal }, PACKAGE_MS);

/**
 * The values that are set, under the API's parameter names.
 * @param {object} values
 * @returns {[string, string][]}
 */
const parameters = (values) =>
  Object.entries(values)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => [name, String(value)]);

/**
 * @param {string} id
 * @param {string} label
 * @param {string} comment
 * @param {object} conditions
 * @param {Review | null} conditions.seen the review that the user saw; if there is another one by now, nothing is saved
 * @param {boolean} [conditions.second] whether that review stays, and this becomes another reading
 * @returns {Promise<Result>}
 */
export async function saveReview(id, label, comment, { seen, second = false }) {
  const review = comment ? { label, comment } : { label };
  return (await request(reviewPath(id, seen, { second: second || null }), { method: "PUT", ...json(review) })).json();
}

/**
 * Withdraw a review, or go back to an earlier one.
 * @param {string} id
 * @param {Review | null} seen as in saveReview
 * @param {Review | null} earlier the review before it
 * @returns {Promise<Result>}
 */
export async function withdrawReview(id, seen, earlier) {
  const restore = earlier?.reviewed_at;
  return (await request(reviewPath(id, seen, { restore }), { method: "DELETE" })).json();
}

/**
 * @param {string} id
 * @param {Review | null} seen
 * @param {object} options
 */
const reviewPath = (id, seen, options) =>
  `/results/${encodeURIComponent(id)}/review?${new URLSearchParams(parameters({ seen: seen?.reviewed_at ?? "none", ...options }))}`;

/** @param {unknown} value */
export const json = (value) => ({ body: JSON.stringify(value), headers: { "Content-Type": "application/json" } });

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @param {number} [timeout] milliseconds
 * @returns {Promise<Response>} a successful one
 */
export async function request(path, { signal, ...options } = {}, timeout = ANSWER_MS) {
  let response;
  try {
    const shown = await token(signal);
    response = await send(path, options, shown, timeout, signal);
    // Refused before anything was done: clocks differ, or the session was ended elsewhere.
    if (response.status === 401 && shown) {
      response = await send(path, options, await renewToken(shown, signal), timeout, signal);
    }
  } catch (error) {
    if (signal?.aborted) throw error;
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new Problem(late ? text.problem.tookTooLong : text.problem.network, { code: "Network" });
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/**
 * @param {string} path
 * @param {RequestInit} options
 * @param {string | null} token of the signed-in user
 * @param {number} timeout milliseconds
 * @param {AbortSignal | null} [signal]
 */
function send(path, options, token, timeout, signal) {
  const limits = [AbortSignal.timeout(timeout), ...(signal ? [signal] : [])];
  const headers = { ...options.headers, ...(token && { Authorization: token }) };
  return fetch(`/api${path}`, { ...options, headers, signal: AbortSignal.any(limits) });
}

/**
 * The API's own error if the response has one. A gateway in between may have answered instead, with anything.
 * @param {Response} response
 */
async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  const ours = typeof body.code === "string" && typeof body.message === "string";
  return new Problem(ours ? reasonText(body) : textForStatus(response.status), {
    code: ours ? body.code : `Http${response.status}`,
    status: response.status,
    requestId: body.request_id ?? response.headers.get("x-amzn-requestid"),
  });
}

/** @param {number} status */
function textForStatus(status) {
  if (status === 401 || status === 403) return text.problem.signIn;
  if (status === 404) return text.problem.notFound;
  if (status === 429 || status === 503) return text.problem.overloaded;
  if (status === 504) return text.problem.tookTooLong;
  return text.problem.server;
}
