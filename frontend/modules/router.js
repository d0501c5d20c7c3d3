// @ts-check
/** Routes in the address after `#`: the open task, result, model, retraining or batch. They contain no file name and no identity. */

/** @import { Route } from "./types.js" */

/** Parts of a task's address. */
const OF_TASK = /** @type {const} */ (["models", "people", "retrainings", "batches", "example"]);

/** @param {string} task */
export const taskAddress = (task) => `#/tasks/${encodeURIComponent(task)}`;

/** @param {string} task */
export const exampleAddress = (task) => `${taskAddress(task)}/example`;

/** @param {string} id */
export const resultAddress = (id) => `#/results/${encodeURIComponent(id)}`;

/** @param {string} task */
export const modelsAddress = (task) => `${taskAddress(task)}/models`;

/** @param {string} task */
export const peopleAddress = (task) => `${taskAddress(task)}/people`;

/**
 * @param {string} task
 * @param {string} version of its model
 */
export const versionAddress = (task, version) => `${modelsAddress(task)}/${encodeURIComponent(version)}`;

/** @param {string} task */
export const retrainingsAddress = (task) => `${taskAddress(task)}/retrainings`;

/** @param {string} name */
export const retrainingAddress = (name) => `#/retrainings/${encodeURIComponent(name)}`;

/** @param {string} task */
export const batchesAddress = (task) => `${taskAddress(task)}/batches`;

/** @param {string} name */
export const batchAddress = (name) => `#/batches/${encodeURIComponent(name)}`;

/** The address that the page shows. */
let shown = "";

/** Follow the current address. */
let follow = (/** @type {boolean} */ _first = false) => {};

/**
 * Call `onRoute` for the current address, and whenever it changes.
 * @param {(route: Route, first: boolean) => void} onRoute
 */
export function startRouter(onRoute) {
  follow = (first = false) => {
    shown = location.hash;
    onRoute(parse(shown), first);
  };
  // There is no hashchange between entries of the history that also differ in the filters.
  addEventListener("popstate", () => location.hash !== shown && follow());
  follow(true);
}

/**
 * Go to an address, even if it is the current one. The route is followed synchronously, so that a key pressed right after
 * applies to the new view.
 * @param {string} address
 */
export function navigate(address) {
  pushAddress(address);
  follow();
}

/**
 * For work that takes a while: navigates afterwards, unless the user has left this view meanwhile.
 * @returns {(address: string) => void}
 */
export function deferredNavigation() {
  const here = location.hash;
  return (address) => {
    if (location.hash === here) navigate(address);
  };
}

/**
 * Change the address without changing the page.
 * @param {string} address
 */
export function pushAddress(address) {
  if (location.hash !== address) history.pushState(null, "", address);
  shown = location.hash;
}

/**
 * @param {string} hash
 * @returns {Route}
 */
function parse(hash) {
  const [place, name, part, version] = hash.replace(/^#\/?/, "").split("/").map(decode);
  if (place === "tasks" && name && part === "models" && version) return { name: "version", task: name, version };
  if (place === "tasks" && name) return { name: OF_TASK.find((known) => known === part) ?? "task", task: name };
  if (place === "audit") return { name: "audit" };
  if (place === "models" || ((place === "retrainings" || place === "batches") && !name)) return { name: place, task: "" };
  if (place === "retrainings" && name) return { name: "retraining", retraining: name };
  if (place === "batches" && name) return { name: "batch", batch: name };
  if (place === "results" && name) return { name: "result", id: name };
  return { name: "home" };
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
