// @ts-check
/** Facts about this installation: version, stage and drop folder. */
import { Problem, fetchLogin, fetchStage } from "./api.js";
import { byId } from "./dom.js";
import { text } from "./text.js";

/** @import { Stage } from "./types.js" */

/** @type {Stage | null} */
let stage = null;
let task = "";

/** Where users sign in; null if login is not required, or the server cannot be reached. */
export const findLogin = () => unlessProblem(fetchLogin());

/** Load and show the facts. The page also works without them. */
export async function showDeployment() {
  stage = await unlessProblem(fetchStage());
  translateDeployment();
}

/**
 * @template Answer
 * @param {Promise<Answer>} answer
 * @returns {Promise<Answer | null>}
 */
const unlessProblem = (answer) =>
  answer.catch((error) => {
    if (error instanceof Problem) return null;
    throw error;
  });

/** Show it in the language of the page. */
export function translateDeployment() {
  if (stage) byId("build", HTMLElement).textContent = text.page.build(stage.version, stage.stage);
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
 * The address of an object, or of a folder, in the data bucket.
 * @param {string} key
 */
export const bucketAddress = (key) => `${stage ? `s3://${stage.data_bucket}/` : ""}${key}`;

/**
 * Where a retraining reads labelled images.
 * @param {string} name of the task
 */
export const datasetAddress = (name) => bucketAddress(`datasets/${name}/`);

function showAddress() {
  const bucket = stage?.data_bucket;
  byId("drop-folder", HTMLElement).hidden = !(bucket && task);
  byId("drop-folder-address", HTMLElement).textContent = `s3://${bucket}/inbox/${task}/`;
}

/** The size of the largest image that one API call accepts; 0 if the server's limits are not known. */
export const maxImageBytes = () => stage?.max_image_bytes ?? 0;
