// @ts-check
/** The HTTP API for models and retraining: one function per route. Failures are Problems, as in api.js. */
import { json, parameters, request } from "./api.js";

/**
 * @import {
 *   Agreement, Deployment, Drift, FollowedRetraining, Hyperparameter, ModelFacts, ModelReviewRule, ModelVersion, Retraining, RetrainingPage,
 *   RetrainingRequest, ReviewStatistics, TrainingData, LabelledImage,
 * } from "./modeltypes.js"
 * @import { UploadTicket } from "./types.js"
 */

/** @param {...string} parts of a path */
const path = (...parts) => parts.map((part) => `/${encodeURIComponent(part)}`).join("");

/**
 * @param {string} task
 * @returns {Promise<ModelVersion[]>} the newest first
 */
export const fetchVersions = async (task) => (await (await request(path("tasks", task, "models"))).json()).models;

/**
 * @param {string} task
 * @param {string} version
 * @returns {Promise<ModelFacts>}
 */
export const fetchFacts = async (task, version) => (await request(path("tasks", task, "models", version, "model.json"))).json();

/**
 * The card or a plot of a version.
 * @param {string} task
 * @param {string} version
 * @param {string} file
 */
export const fetchModelFile = async (task, version, file) => (await request(path("tasks", task, "models", version, file))).text();

/**
 * @param {string} task
 * @returns {Promise<Drift>}
 */
export const fetchDrift = async (task) => (await request(path("tasks", task, "drift"))).json();

/** Requests under way, by address: for each, the server reads all results of a task. @type {Map<string, Promise<ReviewStatistics>>} */
const comparisons = new Map();

/**
 * A model compared with its reviews.
 * @param {string} task
 * @param {{model?: string | null, from?: string | null, to?: string | null}} wanted
 * @returns {Promise<ReviewStatistics>}
 */
export function fetchReviewStatistics(task, wanted) {
  const address = `${path("tasks", task, "review-statistics")}?${new URLSearchParams(parameters(wanted))}`;
  const asked = comparisons.get(address) ?? request(address).then((response) => response.json()).finally(() => comparisons.delete(address));
  comparisons.set(address, asked);
  return asked;
}

/**
 * The agreement of readers with each other and with the model.
 * @param {string} task
 * @param {{model?: string | null, from?: string | null, to?: string | null}} wanted
 * @returns {Promise<Agreement>}
 */
export const fetchAgreement = async (task, wanted) =>
  (await request(`${path("tasks", task, "agreement")}?${new URLSearchParams(parameters(wanted))}`)).json();

/**
 * @param {string} task
 * @returns {Promise<ModelReviewRule>}
 */
export const fetchReviewRule = async (task) => (await request(path("tasks", task, "review-rule"))).json();

/**
 * Change the probability below which answers need a review. What the user saw is sent along, so that no change of another
 * administrator is lost.
 * @param {string} task
 * @param {ModelReviewRule} seen
 * @param {number | null} minProbability null for the model's own
 * @returns {Promise<ModelReviewRule>}
 */
export async function changeReviewRule(task, { version, changed_at: seen }, minProbability) {
  const body = { version, min_probability: minProbability, seen };
  return (await request(path("tasks", task, "review-rule"), { method: "PUT", ...json(body) })).json();
}

/**
 * Roll back to the previous model. The current version is sent along, so that a repeated request does not roll back twice.
 * @param {string} task
 * @param {string} version
 * @returns {Promise<Deployment>}
 */
export const rollBack = async (task, version) =>
  (await request(`${path("tasks", task, "rollback")}?version=${encodeURIComponent(version)}`, { method: "POST", ...json({}) })).json();

/**
 * @param {string | null} cursor of the previous page
 * @returns {Promise<RetrainingPage>}
 */
export async function fetchRetrainings(cursor) {
  const query = cursor ? `?${new URLSearchParams({ cursor })}` : "";
  return (await request(`/retrainings${query}`)).json();
}

/**
 * @param {string} name
 * @param {AbortSignal} signal
 * @returns {Promise<FollowedRetraining>}
 */
export const fetchRetraining = async (name, signal) => (await request(path("retrainings", name), { signal })).json();

/**
 * The report or a plot of a retraining.
 * @param {string} name
 * @param {string} file
 */
export const fetchRetrainingFile = async (name, file) => (await request(path("retrainings", name, "files", file))).text();

/**
 * @param {RetrainingRequest} body
 * @returns {Promise<Pick<Retraining, "name" | "task" | "status">>}
 */
export const startRetraining = async (body) => (await request("/retrainings", { method: "POST", ...json(body) })).json();

/**
 * Approve or reject the new model of a retraining.
 * @param {string} name
 * @param {boolean} approved
 * @param {string} comment
 */
export async function answerRetraining(name, approved, comment) {
  await request(path("retrainings", name, "approval"), { method: "POST", ...json({ approved, comment }) });
}

/**
 * @param {string} task
 * @returns {Promise<TrainingData>}
 */
export const fetchTrainingData = async (task) => (await request(path("tasks", task, "training-data"))).json();

/**
 * @param {string} task
 * @param {string | null} cursor of the previous page
 * @param {AbortSignal} signal
 * @returns {Promise<{images: {label: string, sha256: string}[], cursor: string | null}>}
 */
export async function fetchLabelledImages(task, cursor, signal) {
  const query = cursor ? `?${new URLSearchParams({ cursor })}` : "";
  return (await request(`${path("tasks", task, "labelled-images")}${query}`, { signal })).json();
}

/**
 * @param {string} task
 * @param {LabelledImage[]} images
 * @param {AbortSignal} signal
 * @returns {Promise<UploadTicket["upload"][]>} a form for each
 */
export async function openLabelledUploads(task, images, signal) {
  return (await (await request(path("tasks", task, "labelled-images"), { method: "POST", ...json({ images }), signal })).json()).uploads;
}

/** @param {string} name */
export async function stopRetraining(name) {
  await request(path("retrainings", name, "stop"), { method: "POST", ...json({}) });
}

/**
 * All hyperparameters by name.
 * @returns {Promise<Record<string, Hyperparameter>>}
 */
export async function fetchHyperparameters() {
  const description = await (await request("/openapi.json")).json();
  return description.components.schemas.Hyperparameters.properties;
}
