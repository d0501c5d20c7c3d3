// @ts-check
/** The pages about models, retraining and batches, and the audit record; loaded on first use. */
import { whenLoaded } from "./api.js";
import { showAudit } from "./audit.js";
import { addStyles, lazily } from "./dom.js";
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

const loadPeople = lazily(() => import("./people.js"));
const loadBatches = lazily(() => import("./batches.js"));
const loadBatch = lazily(() => import("./batch.js"));

/**
 * @param {Route} route
 * @param {Task | undefined} task named by the route, if any
 * @param {Page} page
 */
export function openModelPage(route, task, page) {
  if (route.name === "audit") showAudit(page);
  else if (route.name === "batch") openLater(page, loadBatch, ({ followBatch }) => followBatch(route.batch, page));
  else if (route.name === "retraining") followRetraining(route.retraining, page);
  else if (route.name === "retrainings" && task) showRetrainings(task, page);
  else if (route.name === "version" && task) showVersion(task, route.version, page);
  else if (route.name === "people" && task) openLater(page, loadPeople, ({ showPeople }) => showPeople(task, page));
  else if (route.name === "batches" && task) openLater(page, loadBatches, ({ showBatches }) => showBatches(task, page));
  else if (task) showModels(task, page);
}

/**
 * Open a view whose modules are loaded on first use.
 * @template Module
 * @param {Page} page
 * @param {() => Promise<Module>} load
 * @param {(module: Module) => void} show
 */
async function openLater(page, load, show) {
  const signal = page.sheet.show({ heading: text.page.loading, content: [], focus: page.focus });
  try {
    const module = await whenLoaded(load());
    if (!signal.aborted) show(module);
  } catch (error) {
    page.sheet.body.append(note(error, () => location.reload()));
  }
}
