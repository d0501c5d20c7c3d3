// @ts-check
/** Models and retrainings; loaded when somebody first wants to see them. */
import { showModels } from "./models.js";
import { showVersion } from "./modelversion.js";
import { followRetraining } from "./retraining.js";
import { showRetrainings } from "./retrainings.js";
import { loadRecordsText } from "./text.js";

/** @import { Sheet } from "./sheet.js" */
/** @import { Route, Task } from "./types.js" */

await loadRecordsText();

/**
 * What the views need of the page around them.
 * @typedef {object} Page
 * @property {Sheet} sheet
 * @property {boolean} focus whether somebody came from elsewhere on the page, and reads on at the heading
 * @property {(name: string) => Task | undefined} find
 * @property {(task: Task) => void} choose
 * @property {() => void} onModelChange another model classifies
 */

/**
 * @param {Route} route
 * @param {Task | undefined} task that the route names, if it names one
 * @param {Page} page
 */
export function openRecord(route, task, page) {
  if (route.name === "retraining") followRetraining(route.retraining, page);
  else if (route.name === "retrainings" && task) showRetrainings(task, page);
  else if (route.name === "version" && task) showVersion(task, route.version, page);
  else if (task) showModels(task, page);
}
