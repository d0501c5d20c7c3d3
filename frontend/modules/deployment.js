// @ts-check
/** What is known of this installation: its version, its stage and its drop folder. */
import { Problem, fetchHealth } from "./api.js";
import { byId } from "./dom.js";
import { text } from "./text.js";

/** @import { Health, Login } from "./types.js" */

/** @type {Health | null} */
let health = null;
let task = "";

/**
 * Ask the server about itself. The page works as well without the answer.
 * @returns {Promise<Login | null>} where people sign in, if they have to
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

/** Say it in the language of the page. */
export function translateDeployment() {
  if (health) byId("build", HTMLElement).textContent = text.page.build(health.version, health.stage);
  showAddress();
}

/**
 * Show where to copy a whole folder.
 * @param {string} name the task's
 */
export function showDropFolder(name) {
  task = name;
  showAddress();
}

/**
 * Where retrainings look for labelled images.
 * @param {string} name the task's
 */
export const datasetAddress = (name) => `${health?.data_bucket ? `s3://${health.data_bucket}/` : ""}datasets/${name}/`;

function showAddress() {
  const bucket = health?.data_bucket;
  byId("drop-folder", HTMLElement).hidden = !(bucket && task);
  byId("drop-folder-address", HTMLElement).textContent = `s3://${bucket}/inbox/${task}/`;
}

/** The size of the largest image that one API call accepts; 0 if the server's limits are not known. */
export const maxImageBytes = () => health?.max_image_bytes ?? 0;
