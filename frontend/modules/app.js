// @ts-check
/** Entry point: creates the parts of the page, follows the address, and dispatches files and keyboard shortcuts. */
import { Problem, fetchTasks } from "./api.js";
import { listenForImages } from "./imageinput.js";
import { findLogin, showDeployment, showDropFolder, translateDeployment } from "./deployment.js";
import { byId, fillStaticText } from "./dom.js";
import { loadNames } from "./filenames.js";
import { admit, showAccount, translateLogin } from "./login.js";
import { Shortcuts } from "./shortcuts.js";
import { LightBox } from "./lightbox.js";
import { OnDevice } from "./ondevice.js";
import { addressIn, linkLocations, markLocation, locationOf } from "./locations.js";
import { QueuePanel } from "./queuepanel.js";
import { remember } from "./originals.js";
import { Viewer } from "./viewer.js";
import { loadPermissions, hasRole } from "./permissions.js";
import { setReader } from "./readingmode.js";
import { disclaimerText } from "./reasons.js";
import { startRouter, navigate, pushAddress, resultAddress, taskAddress } from "./router.js";
import { offerSettings } from "./settings.js";
import { Sheet, note } from "./sheet.js";
import { fillChooser, findTask, firstTask } from "./tasks.js";
import { language, loadPreferredLanguage, text } from "./text.js";
import { Worklist } from "./worklist.js";

/** @import { Catalogue, Me, Route, Task } from "./types.js" */

await loadPreferredLanguage();
fillStaticText();

/** After this time, every Lambda uses the newly deployed model. */
const MODELS_KNOWN_MS = 65_000;

/** Keys of the tools for the open image. */
const IMAGE_KEYS = ["+", "-", "0", "f", "i", "w", "h", "x", "y", "r", "s", "m", "a", "e", ",", ".", "v", "n", "z", "l"];

/** @type {Catalogue} */
let catalogue = { tasks: [], disclaimer: "" };

/** @type {Route} */
let here = { name: "home" };

const find = (/** @type {string | undefined} */ name) => findTask(catalogue, name);
const chooser = byId("task", HTMLSelectElement);
const lightBox = new LightBox();
const sheet = new Sheet();
const worklist = new Worklist(find);
const device = new OnDevice({ find, onSwitch: () => follow(here, true), onResult: (result, file) => remember(result.id, file) });
const viewer = new Viewer(lightBox, worklist, device, { find, choose });
const queue = new QueuePanel(find, {
  onResult: (item, result) => {
    remember(result.id, item.file);
    worklist.add(result);
  },
  onReview: (first) => {
    worklist.filters.showUnreviewed();
    navigate(resultAddress(first.id));
  },
});
new Shortcuts(keyActions());

/** @type {File[][]} files that were added before the tasks were loaded */
const early = [];
// Before anything is loaded: the browser would leave the page and open a file that is dropped meanwhile.
listenForImages({
  inputs: {
    files: byId("file", HTMLInputElement),
    folder: byId("folder", HTMLInputElement),
    camera: byId("camera", HTMLInputElement),
  },
  dropTarget: byId("image-area", HTMLElement),
  onFiles: (files) => (viewer.task ? take(files) : early.push(files)),
});
start().finally(() => (document.body.dataset.begun = ""));

async function start() {
  lightBox.showMessage();
  if (!(await admit(await findLogin()))) {
    offerSettings(translateFrame);
    return;
  }
  try {
    [catalogue] = await Promise.all([fetchTasks(), loadPermissions().then(begin), showDeployment()]);
  } catch (error) {
    const kept = await device.catalogue();
    if (!kept) return viewer.fail(error, start);
    catalogue = kept;
  }
  device.disclaimer = catalogue.disclaimer;
  showDisclaimer();
  fillChooser(chooser, catalogue.tasks);
  viewer.task = firstTask(catalogue);
  listen();
  startRouter(follow);
  for (const files of early.splice(0)) take(files);
}

/** @param {Me} me the current user */
function begin(me) {
  showAccount(me);
  setReader(hasRole("reviewer") ? me.user : "");
  // Without them, the page works as well.
  loadNames(me.user).then(() => worklist.render()).catch(() => {});
}

function listen() {
  byId("skip-link", HTMLElement).addEventListener("click", (event) => {
    // Following #main would replace the route in the address.
    event.preventDefault();
    byId("main", HTMLElement).focus();
  });
  chooser.addEventListener("change", () => navigate(addressIn(here, chooser.value)));
  byId("previous", HTMLButtonElement).addEventListener("click", () => viewer.step(-1));
  byId("next", HTMLButtonElement).addEventListener("click", () => viewer.step(1));
  offerSettings(translate, { onForget: () => follow(here, true), onReading: readOtherwise });
}

/**
 * Open one image on the light box at once; queue several.
 * @param {File[]} files
 */
function take(files) {
  const { task } = viewer;
  leaveSheet();
  // Images that stay on this device need no permission, and no network to ask for it.
  if (!hasRole("reviewer") && !device.on) viewer.refuse(text.login.readOnly);
  else if (files.length === 1) viewer.read(files[0]);
  else if (files.length === 0) viewer.refuse(text.problem.emptyFolder);
  else if (!task?.model) viewer.refuse(text.tasks.noModel);
  else if (device.on) device.take(task, files);
  else queue.add(task.name, files);
}

/** Go back to the light box. */
function leaveSheet() {
  const { task } = viewer;
  if (!sheet.isOpen || !task) return;
  pushAddress(taskAddress(task.name));
  follow({ name: "task", task: task.name }, true);
}

/** Shortcut actions by key, in lower case; those of the light box work only while it is visible. */
function keyActions() {
  // A key that is pressed while an image is being opened applies to it; a review needs an image that has been seen.
  const onImage = (/** @type {string} */ key) => () =>
    lightBox.view?.hasImage ? lightBox.view.press(key) : viewer.whenComplete(() => lightBox.view?.press(key));
  const review = () => viewer.review ?? (hasRole("reviewer") ? viewer.refuseReview() : undefined);
  const actions = {
    ...Object.fromEntries(Array.from({ length: 9 }, (_, index) => [String(index + 1), () => review()?.choose(index + 1)])),
    enter: () => review()?.confirm(),
    u: () => viewer.undo(),
    c: () => viewer.review?.form.comment.focus(),
    j: () => viewer.step(1),
    k: () => viewer.step(-1),
    o: () => (hasRole("reviewer") || device.on) && byId("file", HTMLInputElement).click(),
    ...Object.fromEntries(IMAGE_KEYS.map((key) => [key, onImage(key)])),
    b: () => viewer.whenComplete(() => lightBox.view?.press("b")),
  };
  const inSight = Object.entries(actions).map(([key, act]) => [key, () => sheet.isOpen || act()]);
  return { ...Object.fromEntries(inSight), p: () => queue.togglePause() };
}

/**
 * @param {Route} route
 * @param {boolean} first whether the page was just opened
 */
function follow(route, first) {
  here = route;
  markLocation(route);
  // Until the tasks were loaded, the links named none.
  const named = find("task" in route ? route.task || viewer.task?.name : undefined);
  if (locationOf(route) !== "images" && (named || !("task" in route))) {
    openSheet(route, named, first);
    return;
  }
  sheet.close();
  if (route.name === "result") {
    queue.makeRoom();
    viewer.openResult(route.id, first);
    return;
  }
  if (route.name === "example" && named?.model) {
    viewer.openExample(named);
    return;
  }
  const name = "task" in route ? route.task : viewer.task?.name;
  const task = find(name);
  if (task) viewer.openTask(task);
  else {
    viewer.begin();
    worklist.mark("");
    viewer.fail(new Problem(name === undefined ? text.tasks.none : text.tasks.unknown));
  }
}

/**
 * Open a page about models or retraining. Its modules are loaded on first use, so that the light box starts faster.
 * @param {Route} route
 * @param {Task | undefined} task named by the route
 * @param {boolean} first whether the page was just opened
 */
async function openSheet(route, task, first) {
  viewer.begin();
  worklist.mark("");
  if (viewer.task) viewer.choose(task ?? viewer.task);
  const modelPages = await import("./modelpages.js").catch(() => null);
  if (here !== route) return;
  if (modelPages) {
    const toTask = (/** @type {Task} */ other) => viewer.choose(other);
    modelPages.openModelPage(route, task, { sheet, focus: !first, find, choose: toTask, onModelChange: modelChanged });
  } else {
    // The browser does not say why a module failed to load, and does not request it again.
    const problem = new Problem(text.problem.network, { code: "Network" });
    sheet.show({ heading: text.problem.heading, content: [note(problem, () => location.reload())], focus: !first });
  }
  viewer.complete();
}

/** Another model is in use: update the tasks now, and again when all Lambdas know it. */
function modelChanged() {
  learnTasks();
  setTimeout(learnTasks, MODELS_KNOWN_MS);
}

async function learnTasks() {
  const wanted = language;
  try {
    const learnt = await fetchTasks();
    if (language !== wanted) return;
    catalogue = learnt;
    fillChooser(chooser, catalogue.tasks);
    if (viewer.task) viewer.task = find(viewer.task.name);
  } catch (error) {
    // The page keeps the tasks it has.
    if (!(error instanceof Problem)) throw error;
  }
}

/** @param {Task} task */
function choose(task) {
  chooser.value = task.name;
  worklist.follow(task);
  device.follow(task);
  showDropFolder(task.name);
  linkLocations(task.name);
}

/** Show everything in the newly chosen language. */
async function translate() {
  translateFrame();
  // Until all of it is in the new language, the view is not complete.
  viewer.begin();
  await learnTasks();
  fillChooser(chooser, catalogue.tasks);
  showDisclaimer();
  worklist.translate(viewer.task);
  device.ready();
  queue.render();
  follow(here, true);
}

/** Hide or show what a blind reader must not see: all is asked for again. */
function readOtherwise() {
  worklist.filters.describe();
  worklist.restart();
  queue.render();
  follow(here, true);
}

/** Translate what does not depend on the task. */
function translateFrame() {
  fillStaticText();
  translateDeployment();
  translateLogin();
}

/** The server's sentence if the page is in its language, else the page's translation. */
function showDisclaimer() {
  byId("disclaimer", HTMLElement).textContent = disclaimerText(catalogue.disclaimer);
}
