// @ts-check
/** The places of the page: images, models, retrainings. Which one it is, stands in the address. */
import { byId } from "./dom.js";
import { modelsAddress, retrainingsAddress, taskAddress } from "./router.js";

/** @import { Route } from "./types.js" */

/** @typedef {"images" | "models" | "retrainings"} Place */

const PLACES = /** @type {const} */ (["images", "models", "retrainings"]);
const ADDRESSES = { images: taskAddress, models: modelsAddress, retrainings: retrainingsAddress };

/** @type {Record<Route["name"], Place>} */
const PLACE_OF = {
  home: "images",
  task: "images",
  result: "images",
  models: "models",
  version: "models",
  retrainings: "retrainings",
  retraining: "retrainings",
};

/** @param {Route} route */
export const placeOf = (route) => PLACE_OF[route.name];

/**
 * Where a task is found in the place that a route leads to.
 * @param {Route} route
 * @param {string} task
 */
export const addressAt = (route, task) => ADDRESSES[placeOf(route)](task);

/**
 * Let the links of the header lead to a task.
 * @param {string} task
 */
export function leadTo(task) {
  for (const place of PLACES) link(place).href = ADDRESSES[place](task);
}

/**
 * Mark the place that somebody is at.
 * @param {Route} route
 */
export function markPlace(route) {
  for (const place of PLACES) {
    if (place === placeOf(route)) link(place).setAttribute("aria-current", "page");
    else link(place).removeAttribute("aria-current");
  }
}

/** @param {Place} place */
const link = (place) => byId(`place-${place}`, HTMLAnchorElement);
