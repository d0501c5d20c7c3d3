// @ts-check
/** The pages about models and retraining; loaded on first use. */
import { showModels } from "./models.js";
import { showVersion } from "./modelversion.js";
import { followRetraining } from "./retraining.js";
import { showRetrainings } from "./retrainings.js";
import { loadModelPagesText } from "./text.js";

/** @import { Sheet } from "./sheet.js" */
/** @import { Route, Task } from "./types.js" */

await loadModelPagesText();

/**
 * What the views need from the rest of the page.
 * @typedef {object} Page
 * @property {Sheet} sheet
 * @property {boolean} focus whether to move the focus to the heading
 * @property {(name: string) => Task | undefined} find
 * @property {(task: Task) => void} choose
 * @property {() => void} onModelChange called when another model is in use
 */

/**
 * @param {Route} route
 * @param {Task | undefined} task named by the route, if any
 * @param {Page} page
 */
export function openModelPage(route, task, page) {
  if (route.name === "retraining") followRetraining(route.retraining, page);
  else if (route.name === "retrainings" && task) showRetrainings(task, page);
  else if (route.name === "version" && task) showVersion(task, route.version, page);
  else if (task) showModels(task, page);
}
