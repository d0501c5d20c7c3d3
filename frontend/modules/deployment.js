// @ts-check
/** Facts about this installation: version, stage and drop folder. */
import { Problem, fetchHealth } from "./api.js";
import { byId } from "./dom.js";
import { text } from "./text.js";

/** @import { Health, Login } from "./types.js" */

/** @type {Health | null} */
let health = null;
let task = "";

/**
 * Load and show the version. The page also works without it.
 * @returns {Promise<Login | null>} where users sign in, if login is required
 */
export async function showDeployment() {
  try {
    health = await fetchHealth();
    translateDeployment();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  return health?.login ?? null;
}

/** Show it in the language of the page. */
export function translateDeployment() {
  if (health) byId("build", HTMLElement).textContent = text.page.build(health.version, health.stage);
  showAddress();
}

/**
 * Show the address of the drop folder.
 * @param {string} name of the task
 */
export function showDropFolder(name) {
  task = name;
  showAddress();
}

/**
 * Where a retraining reads labelled images.
 * @param {string} name of the task
 */
export const datasetAddress = (name) => `${health?.data_bucket ? `s3://${health.data_bucket}/` : ""}datasets/${name}/`;

function showAddress() {
  const bucket = health?.data_bucket;
  byId("drop-folder", HTMLElement).hidden = !(bucket && task);
  byId("drop-folder-address", HTMLElement).textContent = `s3://${bucket}/inbox/${task}/`;
}

/** The size of the largest image that one API call accepts; 0 if the server's limits are not known. */
export const maxImageBytes = () => health?.max_image_bytes ?? 0;
