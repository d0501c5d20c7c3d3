// @ts-check
/** Model packages on this device: downloaded once, verified at each use, and cached for offline use. */
import { Problem, fetchModelPackage, orNetworkProblem } from "../api.js";
import { text } from "../text.js";
import { unpack } from "./archive.js";

/** @import { Catalogue, Task } from "../types.js" */

/**
 * @typedef {object} Package facts about a cached model
 * @property {Task} task as the server described it
 * @property {string} version
 * @property {string} sha256 of the graph
 * @property {number} distance out-of-distribution threshold
 * @property {number | null} [probability] lowest probability of an answer that needs no review; null if every answer needs one
 * @property {string} disclaimer
 */

const CACHE = "negatoscope-models";

/** @param {string} task */
const factsAddress = (task) => `/on-device/${encodeURIComponent(task)}.json`;

/** @param {string} sha256 */
const graphAddress = (sha256) => `/on-device/${sha256}.onnx`;

/**
 * The package of the current model of a task, from the cache or from the server.
 * @param {Task} task
 * @param {string} disclaimer
 * @param {{signal: AbortSignal, onProgress: (share: number | null) => void}} options
 * @returns {Promise<{model: Package, graph: ArrayBuffer}>}
 * @throws {Problem} if the model cannot run here
 */
export async function obtain(task, disclaimer, options) {
  const { version, sha256 } = task.model ?? {};
  if (!version || !sha256) throw new Problem(text.device.serverOnly, { code: "ServerOnly" });
  const known = await kept(task.name);
  if (known?.sha256 === sha256) {
    const graph = await (await (await caches.open(CACHE)).match(graphAddress(sha256)))?.arrayBuffer();
    // The task's texts and review rule may have changed; the model must not have.
    if (graph && (await digest(graph)) === sha256) return { model: await keep({ ...known, task, disclaimer }, graph), graph };
  }
  return download(task, version, sha256, disclaimer, options);
}

/**
 * @param {Task} task
 * @param {string} version
 * @param {string} sha256
 * @param {string} disclaimer
 * @param {{signal: AbortSignal, onProgress: (share: number | null) => void}} options
 */
async function download(task, version, sha256, disclaimer, { signal, onProgress }) {
  const response = await fetchModelPackage(task.name, version, signal);
  const archive = await orNetworkProblem(() => received(response, onProgress), signal);
  const files = await unpack(archive).catch(() => new Map());
  const graph = files.get("model.onnx");
  const facts = files.has("model.json") ? JSON.parse(new TextDecoder().decode(files.get("model.json"))) : null;
  const names = task.classes.map(({ name }) => name);
  const whole = graph && facts?.sha256 === sha256 && (await digest(graph)) === sha256;
  if (!whole || facts.classes.join() !== names.join()) throw new Problem(text.device.damagedPackage, { code: "DamagedPackage" });
  const { distance, probability = 0 } = facts.thresholds;
  return { model: await keep({ task, version, sha256, distance, probability, disclaimer }, graph), graph };
}

/**
 * @param {Response} response
 * @param {(share: number | null) => void} onProgress
 */
async function received(response, onProgress) {
  const total = Number(response.headers.get("Content-Length"));
  const parts = [];
  let size = 0;
  const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    size += part.value.length;
    onProgress(total ? size / total : null);
  }
  return new Blob(parts);
}

/**
 * Cache a package in place of the task's earlier one.
 * @param {Package} model
 * @param {ArrayBuffer} graph
 */
async function keep(model, graph) {
  const cache = await caches.open(CACHE);
  const earlier = await kept(model.task.name);
  if (earlier?.sha256 !== model.sha256) await cache.put(graphAddress(model.sha256), new Response(graph));
  await cache.put(factsAddress(model.task.name), Response.json(model));
  if (earlier && earlier.sha256 !== model.sha256) await cache.delete(graphAddress(earlier.sha256));
  return model;
}

/**
 * @param {string} task
 * @returns {Promise<Package | null>}
 */
async function kept(task) {
  const facts = await (await caches.open(CACHE)).match(factsAddress(task));
  return facts ? facts.json() : null;
}

/**
 * The tasks with cached packages, as last described by the server; for offline use.
 * @returns {Promise<Catalogue | null>} null if there are none
 */
export async function keptCatalogue() {
  const cache = await caches.open(CACHE);
  const addresses = (await cache.keys()).filter(({ url }) => url.endsWith(".json"));
  const models = await Promise.all(addresses.map(async (address) => /** @type {Promise<Package>} */ ((await cache.match(address))?.json())));
  return models.length ? { tasks: models.map(({ task }) => task), disclaimer: models[0].disclaimer } : null;
}

/** @param {ArrayBuffer} bytes */
async function digest(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
