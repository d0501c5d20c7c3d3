// @ts-check
/** The main navigation: images, models, retraining, batches. The address tells which one is open. */
import { byId } from "./dom.js";
import { batchesAddress, modelsAddress, retrainingsAddress, taskAddress } from "./router.js";

/** @import { Route } from "./types.js" */

/** @typedef {"images" | "models" | "retrainings" | "batches" | "audit"} Location */

const LOCATIONS = /** @type {const} */ (["images", "models", "retrainings", "batches"]);
const ADDRESSES = {
  audit: taskAddress,
  batches: batchesAddress,
  images: taskAddress,
  models: modelsAddress,
  retrainings: retrainingsAddress,
};

/** @type {Record<Route["name"], Location>} */
const LOCATION_OF = {
  home: "images",
  task: "images",
  example: "images",
  result: "images",
  models: "models",
  version: "models",
  people: "models",
  retrainings: "retrainings",
  retraining: "retrainings",
  batches: "batches",
  batch: "batches",
  audit: "audit",
};

/** @param {Route} route */
export const locationOf = (route) => LOCATION_OF[route.name];

/**
 * The address of a task within the location of a route.
 * @param {Route} route
 * @param {string} task
 */
export const addressIn = (route, task) => ADDRESSES[locationOf(route)](task);

/**
 * Point the links of the header at a task.
 * @param {string} task
 */
export function linkLocations(task) {
  for (const location of LOCATIONS) link(location).href = ADDRESSES[location](task);
}

/**
 * Mark the current location.
 * @param {Route} route
 */
export function markLocation(route) {
  for (const location of LOCATIONS) {
    if (location === locationOf(route)) link(location).setAttribute("aria-current", "page");
    else link(location).removeAttribute("aria-current");
  }
}

/** @param {Location} location */
const link = (location) => byId(`nav-${location}`, HTMLAnchorElement);
