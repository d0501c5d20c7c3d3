// @ts-check
/** The pages about models and retraining, and the audit record; loaded on first use. */
import { whenLoaded } from "./api.js";
import { showAudit } from "./audit.js";
import { addStyles } from "./dom.js";
import { showModels } from "./models.js";
import { showVersion } from "./modelversion.js";
import { followRetraining } from "./retraining.js";
import { showRetrainings } from "./retrainings.js";
import { note } from "./sheet.js";
import { loadTextsOf, text } from "./text.js";

/** @import { Sheet } from "./sheet.js" */
/** @import { Route, Task } from "./types.js" */

await Promise.all([loadTextsOf("modelpages"), addStyles("modelpages")]);

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
  if (route.name === "audit") showAudit(page);
  else if (route.name === "retraining") followRetraining(route.retraining, page);
  else if (route.name === "retrainings" && task) showRetrainings(task, page);
  else if (route.name === "version" && task) showVersion(task, route.version, page);
  else if (route.name === "people" && task) openPeople(task, page);
  else if (task) showModels(task, page);
}

/**
 * @param {Task} task
 * @param {Page} page
 */
async function openPeople(task, page) {
  const signal = page.sheet.show({ heading: text.page.loading, content: [], focus: page.focus });
  try {
    const { showPeople } = await whenLoaded(import("./people.js"));
    if (!signal.aborted) showPeople(task, page);
  } catch (error) {
    page.sheet.body.append(note(error, () => location.reload()));
  }
}
