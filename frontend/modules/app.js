// @ts-check
/** The page: makes its parts, follows the address, and hands files and keys to whoever deals with them. */
import { Problem, fetchTasks } from "./api.js";
import { awaitImages } from "./arrival.js";
import { showDeployment, showDropFolder, translateDeployment } from "./deployment.js";
import { byId, fillWords } from "./dom.js";
import { admit, showAccount, translateLogin } from "./login.js";
import { Keys } from "./keys.js";
import { LightBox } from "./lightbox.js";
import { QueuePanel } from "./queuepanel.js";
import { remember } from "./picture.js";
import { Reader } from "./reader.js";
import { learnRights, may } from "./rights.js";
import { followAddress, goTo, taskAddress } from "./router.js";
import { offerSettings } from "./settings.js";
import { fillChooser, findTask, firstTask } from "./tasks.js";
import { SERVER_LANGUAGE, language, speakAsPreferred, text } from "./text.js";
import { Worklist } from "./worklist.js";

/** @import { Catalogue, Route, Task } from "./types.js" */

await speakAsPreferred();
fillWords();

/** @type {Catalogue} */
let catalogue = { tasks: [], disclaimer: "" };

/** @type {Route} */
let here = { name: "home" };

const find = (/** @type {string | undefined} */ name) => findTask(catalogue, name);
const chooser = byId("task", HTMLSelectElement);
const lightBox = new LightBox();
const worklist = new Worklist(find);
const reader = new Reader(lightBox, worklist, { find, choose });
const queue = new QueuePanel((item, result) => {
  remember(result.id, item.file);
  worklist.add(result);
});
const keys = new Keys(keyActions());

start();

async function start() {
  lightBox.invite();
  if (!(await admit(await showDeployment()))) {
    offerSettings(translateFrame);
    return;
  }
  try {
    [catalogue] = await Promise.all([fetchTasks(), learnRights().then(showAccount)]);
  } catch (error) {
    reader.fail(error, start);
    return;
  }
  showDisclaimer();
  fillChooser(chooser, catalogue.tasks);
  reader.task = firstTask(catalogue);
  listen();
  followAddress(follow);
}

function listen() {
  byId("skip-link", HTMLElement).addEventListener("click", (event) => {
    // A plain #main would take the place of the address.
    event.preventDefault();
    byId("main", HTMLElement).focus();
  });
  chooser.addEventListener("change", () => goTo(taskAddress(chooser.value)));
  byId("previous", HTMLButtonElement).addEventListener("click", () => reader.step(-1));
  byId("next", HTMLButtonElement).addEventListener("click", () => reader.step(1));
  offerSettings(translate);
  awaitImages({
    inputs: {
      files: byId("file", HTMLInputElement),
      folder: byId("folder", HTMLInputElement),
      camera: byId("camera", HTMLInputElement),
    },
    dropTarget: byId("film", HTMLElement),
    onFiles: take,
  });
}

/**
 * One image goes onto the light box at once, many into the queue.
 * @param {File[]} files
 */
function take(files) {
  const { task } = reader;
  if (!may("reviewer")) reader.fail(new Problem(text.login.readOnly));
  else if (files.length === 1) reader.read(files[0]);
  else if (files.length === 0) reader.fail(new Problem(text.problem.emptyFolder));
  else if (!task?.model) reader.fail(new Problem(text.tasks.noModel));
  else queue.add(task.name, files);
}

/** What keys do, by key in lower case. */
function keyActions() {
  const { film } = lightBox;
  const review = () => reader.review;
  return {
    ...Object.fromEntries(Array.from({ length: 9 }, (_, index) => [String(index + 1), () => review()?.choose(index + 1)])),
    enter: () => review()?.confirm(),
    u: () => review()?.undo(),
    c: () => review()?.comment.focus(),
    j: () => reader.step(1),
    k: () => reader.step(-1),
    o: () => may("reviewer") && byId("file", HTMLInputElement).click(),
    "+": () => film.step(1),
    "-": () => film.step(-1),
    0: () => film.reset(true),
    i: () => film.invert(),
    h: () => lightBox.toggleHeatMap(),
    b: () => lightBox.toggleCompare(),
    p: () => queue.togglePause(),
  };
}

/**
 * @param {Route} route
 * @param {boolean} first whether the page has only just been opened
 */
function follow(route, first) {
  here = route;
  if (route.name === "result") {
    reader.openResult(route.id, first);
    return;
  }
  const name = route.name === "task" ? route.task : reader.task?.name;
  const task = find(name);
  if (task) reader.openTask(task);
  else {
    reader.begin();
    worklist.mark("");
    reader.fail(new Problem(name === undefined ? text.tasks.none : text.tasks.unknown));
  }
}

/** @param {Task} task */
function choose(task) {
  chooser.value = task.name;
  worklist.follow(task);
  showDropFolder(task.name);
}

/** Say everything in the language that has just been chosen. */
function translate() {
  translateFrame();
  fillChooser(chooser, catalogue.tasks);
  showDisclaimer();
  keys.translate();
  worklist.translate();
  queue.render();
  follow(here, true);
}

/** Say what stands there for everybody. */
function translateFrame() {
  fillWords();
  translateDeployment();
  translateLogin();
}

/** The server's own sentence, in the language it is written in. */
function showDisclaimer() {
  byId("disclaimer", HTMLElement).textContent = language === SERVER_LANGUAGE ? catalogue.disclaimer : text.page.disclaimer;
}
