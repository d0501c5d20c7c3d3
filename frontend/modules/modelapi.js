// @ts-check
/** The HTTP API for models and retraining: one function per route. Failures are Problems, as in api.js. */
import { json, request } from "./api.js";

/**
 * @import {
 *   Deployment, Drift, FollowedRetraining, Hyperparameter, ModelFacts, ModelVersion, Retraining, RetrainingPage,
 *   RetrainingRequest,
 * } from "./modeltypes.js"
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
 * All hyperparameters by name.
 * @returns {Promise<Record<string, Hyperparameter>>}
 */
export async function fetchHyperparameters() {
  const description = await (await request("/openapi.json")).json();
  return description.components.schemas.Hyperparameters.properties;
}
