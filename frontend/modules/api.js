// @ts-check
/** The HTTP API: one function per route. Every failure is a Problem whose message can be shown to the user as it is. */
import { blinded } from "./readingmode.js";
import { reasonText } from "./reasons.js";
import { renewToken, token } from "./session.js";
import { SERVER_LANGUAGE, language, text } from "./text.js";

/** @import { Catalogue, HeatMap, Login, Me, Result, ResultPage, Review, Selection, Stage, UploadTicket } from "./types.js" */

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

/** @returns {Promise<Login | null>} where users sign in, if login is required */
export const fetchLogin = async () => (await (await request("/health")).json()).login;

/** @returns {Promise<Stage>} */
export const fetchStage = async () => (await request("/stage")).json();

/** @returns {Promise<Me>} */
export const fetchMe = async () => (await request("/me")).json();

/** @returns {Promise<Catalogue>} in the language of the page where the tasks are translated into it */
export const fetchTasks = async () =>
  (await request(language === SERVER_LANGUAGE ? "/tasks" : `/tasks?${new URLSearchParams({ language })}`)).json();

/**
 * Classify an image of at most 4.5 MB in one call.
 * @param {string} task
 * @param {Blob} image
 * @param {string} contentType
 * @param {AbortSignal} signal
 * @param {{store?: boolean}} [options] whether the server keeps the image and its result
 * @returns {Promise<Result>}
 */
export async function classify(task, image, contentType, signal, { store = true } = {}) {
  const headers = { "Content-Type": contentType };
  const address = `/tasks/${encodeURIComponent(task)}/classify${store ? "" : "?store=false"}`;
  const response = await request(address, { method: "POST", body: image, headers, signal });
  // What is not kept cannot be read either, so that nothing is hidden from its reader.
  return store ? received(response) : response.json();
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
export const fetchResult = async (id, signal) => received(await request(`/results/${encodeURIComponent(id)}`, { signal }));

/**
 * The model input of an image, as a PNG.
 * @param {string} id
 * @param {{ thumbnail?: boolean, signal?: AbortSignal }} [options]
 * @returns {Promise<Blob>}
 */
export async function fetchPreview(id, { thumbnail = false, signal } = {}) {
  // API Gateway returns binary data only if the request accepts nothing else.
  const headers = { Accept: "image/png" };
  return (await request(`/results/${encodeURIComponent(id)}/preview${thumbnail ? "?thumbnail=true" : ""}`, { headers, signal })).blob();
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
  const { results, ...page } = await (await request(`/results?${query}`)).json();
  return { ...page, results: results.map(blinded) };
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
export const parameters = (values) =>
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
 * @param {"blind" | "adjudication"} [conditions.kind] of reading
 * @returns {Promise<Result>}
 */
export async function saveReview(id, label, comment, { seen, second = false, kind }) {
  const review = { label, ...(comment && { comment }), ...(kind && { [kind]: true }) };
  return received(await request(reviewPath(id, { seen: whenSeen(seen), second: second || null }), { method: "PUT", ...json(review) }));
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
  return received(await request(reviewPath(id, { seen: whenSeen(seen), restore }), { method: "DELETE" }));
}

/**
 * Withdraw one's own reading, which need not be the review.
 * @param {string} id
 * @param {Review} reading
 * @returns {Promise<Result>}
 */
export const withdrawReading = async (id, { reviewed_at }) =>
  received(await request(reviewPath(id, { reading: reviewed_at }), { method: "DELETE" }));

/**
 * @param {string} id
 * @param {object} options
 */
const reviewPath = (id, options) => `/results/${encodeURIComponent(id)}/review?${new URLSearchParams(parameters(options))}`;

/** @param {Review | null} review */
const whenSeen = (review) => review?.reviewed_at ?? "none";

/**
 * @param {Response} response
 * @returns {Promise<Result>}
 */
const received = async (response) => blinded(await response.json());

/** @param {unknown} value */
export const json = (value) => ({ body: JSON.stringify(value), headers: { "Content-Type": "application/json" } });

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @param {number} [timeout] milliseconds
 * @returns {Promise<Response>} a successful one, whose body is read with a Problem if that fails
 */
export async function request(path, { signal, ...options } = {}, timeout = ANSWER_MS) {
  const response = await orNetworkProblem(async () => {
    const shown = await token(signal);
    const first = await send(path, options, shown, timeout, signal);
    // Refused before anything was done: clocks differ, or the session was ended elsewhere.
    return first.status === 401 && shown ? send(path, options, await renewToken(shown, signal), timeout, signal) : first;
  }, signal);
  if (!response.ok) throw await problemOf(response);
  for (const name of /** @type {const} */ (["json", "text", "blob"])) {
    const read = response[name].bind(response);
    response[name] = () => orNetworkProblem(read, signal);
  }
  return response;
}

/**
 * Do what fails if the server is out of reach, its answer ends early, or something in between answers.
 * @template Answer
 * @param {() => Promise<Answer>} act
 * @param {AbortSignal | null} [signal]
 * @returns {Promise<Answer>}
 * @throws {Problem} if it fails; what `act` throws if it is aborted
 */
export async function orNetworkProblem(act, signal) {
  try {
    return await act();
  } catch (error) {
    if (signal?.aborted) throw error;
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new Problem(late ? text.problem.tookTooLong : text.problem.network, { code: "Network" });
  }
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
