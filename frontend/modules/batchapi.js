// @ts-check
/** The HTTP API for batches: one function per route. Failures are Problems, as in api.js. */
import { json, orNetworkProblem, request } from "./api.js";

/** @import { Batch, BatchFailure, BatchRequest, FollowedBatch, StartedBatch } from "./batchtypes.js" */

/** @param {string} name */
const path = (name) => `/batches/${encodeURIComponent(name)}`;

/**
 * Start a batch, or only estimate what it would take.
 * @param {BatchRequest} body
 * @param {{ dry: boolean }} options
 * @returns {Promise<StartedBatch>}
 */
export const startBatch = async (body, { dry }) => (await request("/batches", { method: "POST", ...json({ ...body, dry_run: dry }) })).json();

/**
 * @param {string | null} cursor of the previous page
 * @returns {Promise<{batches: Batch[], cursor: string | null}>}
 */
export const fetchBatches = async (cursor) => (await request(`/batches${cursor ? `?${new URLSearchParams({ cursor })}` : ""}`)).json();

/**
 * @param {string} name
 * @param {AbortSignal} signal
 * @returns {Promise<FollowedBatch>}
 */
export const fetchBatch = async (name, signal) => (await request(path(name), { signal })).json();

/** @param {string} name */
export const stopBatch = async (name) => void (await request(`${path(name)}/stop`, { method: "POST", ...json({}) }));

/** @param {string} name */
export const resumeBatch = async (name) => void (await request(`${path(name)}/continue`, { method: "POST", ...json({}) }));

/**
 * The first files without a result. Their list may be larger than a page can hold.
 * @param {string} link to the list, as in a followed batch
 * @param {number} most
 * @param {AbortSignal} signal
 * @returns {Promise<BatchFailure[]>}
 */
export async function fetchFailures(link, most, signal) {
  const lines = await orNetworkProblem(async () => firstLines(await fetch(link, { signal }), most), signal);
  return lines.map((line) => JSON.parse(line));
}

/**
 * @param {Response} response
 * @param {number} most
 * @returns {Promise<string[]>} complete lines
 */
async function firstLines({ ok, body }, most) {
  if (!ok || !body) throw new Error("There is no list.");
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  /** @type {string[]} */
  let lines = [];
  let begun = "";
  while (lines.length < most) {
    const { done, value } = await reader.read();
    if (done) break;
    const parts = (begun + value).split("\n");
    begun = parts.pop() ?? "";
    lines = lines.concat(parts);
  }
  await reader.cancel();
  return lines.slice(0, most);
}
