// @ts-check
/** The page: follows the address, and moves an image from its arrival over the light box to its reading. */
import { announce } from "./announcer.js";
import { Problem, fetchResult, fetchTasks } from "./api.js";
import { awaitImages } from "./arrival.js";
import { showDeployment, showDropFolder } from "./deployment.js";
import { byId, element, fillWords } from "./dom.js";
import { fileSize, percent, wholePercent } from "./format.js";
import { inspect } from "./imagefile.js";
import { describeInvitation } from "./invitation.js";
import { LightBox } from "./lightbox.js";
import { Panel } from "./panel.js";
import { pictureOfFile, pictureOfResult, remember } from "./picture.js";
import { describeQuarantined, describeReceived, describeResult } from "./reading.js";
import { followAddress, goTo, resultAddress, stayAt, taskAddress } from "./router.js";
import { classTitle, fillChooser, findTask, firstTask, noModel } from "./tasks.js";
import { text } from "./text.js";
import { submit, waitForResult } from "./upload.js";
import { Worklist } from "./worklist.js";

/** @import { Catalogue, Result, Route, Task } from "./types.js" */

fillWords();

const lightBox = new LightBox();
const panel = new Panel();
const worklist = new Worklist();
const chooser = byId("task", HTMLSelectElement);
const cancel = byId("cancel", HTMLButtonElement);

/** @type {Catalogue} */
let catalogue = { tasks: [], disclaimer: "" };

/** @type {Task | undefined} */
let chosen;

/** What the reader looks at now. Work that ends when another view has been opened must leave the page alone. */
let view = new AbortController();

/**
 * The answer that has just come, so that opening it need not ask again, and the milliseconds that it took.
 * @type {{result: Result, took: number | null} | null}
 */
let answer = null;

start();

async function start() {
  showDeployment();
  lightBox.invite();
  try {
    catalogue = await fetchTasks();
  } catch (error) {
    fail(error, start);
    return;
  }
  byId("disclaimer", HTMLElement).textContent = catalogue.disclaimer;
  fillChooser(chooser, catalogue.tasks);
  const task = firstTask(catalogue);
  if (task) choose(task);
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
  awaitImages({
    input: byId("file", HTMLInputElement),
    dropTarget: byId("film", HTMLElement),
    onImage: read,
    onProblem: (problem) => {
      leaveResult();
      fail(problem);
    },
  });
}

/**
 * @param {Route} route
 * @param {boolean} first whether the page has only just been opened
 */
function follow(route, first) {
  if (route.name === "result") openResult(route.id, first);
  else openTask(route.name === "task" ? route.task : chosen?.name);
}

/** @param {string | undefined} name */
function openTask(name) {
  view = new AbortController();
  worklist.mark("");
  const task = findTask(catalogue, name);
  if (!task) {
    fail(new Problem(name === undefined ? text.tasks.none : text.tasks.unknown));
    return;
  }
  choose(task);
  lightBox.invite(...(task.model ? describeInvitation(task) : noModel()));
  panel.showTask(task);
}

/** @param {Task} task */
function choose(task) {
  chosen = task;
  chooser.value = task.name;
  worklist.follow(task);
  showDropFolder(task.name);
}

/**
 * Classify an image and open its result.
 * @param {File} file
 */
async function read(file) {
  const task = chosen;
  if (!task) return;
  const mine = leaveResult();
  panel.show(task.title, text.lightBox.classifying);
  // The button that was pressed may be gone with the invitation.
  panel.focus();
  lightBox.clear();
  try {
    if (!task.model) throw new Problem(text.tasks.noModel, { code: "TaskHasNoModel" });
    const kind = await inspect(file);
    const picture = kind.showable ? await pictureOfFile(file) : null;
    if (picture && view === mine) lightBox.show(picture);
    working(text.lightBox.sending, mine);
    const sent = performance.now();
    const result = await submit(task.name, file, kind.contentType, {
      signal: mine.signal,
      onUpload: (share) => working(text.lightBox.uploading(wholePercent(share), fileSize(file.size)), mine, share),
      onSent: () => working(text.lightBox.classifying, mine),
    });
    answer = { result, took: performance.now() - sent };
    if (picture) remember(result.id, file);
    worklist.add(result);
    if (view === mine) goTo(resultAddress(result.id));
  } catch (error) {
    if (view === mine) fail(error, () => read(file));
  }
}

/** Begin a new view at the task's own address, so that any result in the list, also the last one, can be opened from it. */
function leaveResult() {
  worklist.mark("");
  if (chosen) stayAt(taskAddress(chosen.name));
  return (view = new AbortController());
}

/**
 * @param {string} id
 * @param {boolean} first whether the page has only just been opened
 */
async function openResult(id, first) {
  const mine = (view = new AbortController());
  worklist.mark(id);
  try {
    const { result, took } = await obtain(id, mine);
    const picture = await pictureOfResult(result);
    if (view !== mine) return;
    if (picture) lightBox.show(picture);
    else lightBox.invite(element("p", {}, text.lightBox.noImage));
    showResult(result, took);
    // Whoever opened it goes on reading at its heading. A page that has just been opened begins at its top.
    if (!first) panel.focus();
    byId("light-box", HTMLElement).scrollIntoView({ block: "nearest" });
  } catch (error) {
    if (view === mine && !mine.signal.aborted) fail(error, () => openResult(id, false));
  }
}

/**
 * A result, once there is one.
 * @param {string} id
 * @param {AbortController} mine
 * @returns {Promise<{result: Result, took: number | null}>} classified or quarantined
 */
async function obtain(id, mine) {
  if (answer?.result.id === id) {
    const fresh = answer;
    answer = null;
    return fresh;
  }
  // Nothing of the last result may stand beside the mark of this one.
  lightBox.clear();
  panel.show("", text.page.loading);
  working(text.lightBox.opening, mine);
  const result = await fetchResult(id, mine.signal);
  const task = findTask(catalogue, result.task);
  if (view === mine && task) choose(task);
  if (result.status !== "received") return { result, took: null };
  if (view === mine) panel.show(task?.title ?? result.task, text.reading.received, ...describeReceived());
  working(text.lightBox.classifying, mine);
  return { result: await waitForResult(id, mine.signal), took: null };
}

/**
 * @param {Result} result classified or quarantined
 * @param {number | null} took milliseconds
 */
function showResult(result, took) {
  const task = findTask(catalogue, result.task);
  const taskTitle = task?.title ?? result.task;
  if (result.status === "quarantined") {
    panel.show(taskTitle, text.reading.quarantined, ...describeQuarantined(result, took));
    return;
  }
  const title = classTitle(task, result.label);
  lightBox.explain(title, result.heatmap);
  panel.show(taskTitle, title, ...describeResult(result, task, took, (changed) => worklist.add(changed)));
  announce(text.reading.announce(title, percent(result.probability ?? 0), result.needs_review));
}

/**
 * @param {string} words
 * @param {AbortController} mine
 * @param {number | null} [share] done, 0 to 1; null when nobody knows
 */
function working(words, mine, share = null) {
  if (view !== mine) return;
  lightBox.work(words, share);
  cancel.onclick = () => {
    mine.abort();
    goTo(taskAddress(chosen?.name ?? ""));
  };
}

/**
 * @param {unknown} error
 * @param {(() => void) | null} [again] what "Try again" does; offered only where it can help
 */
function fail(error, again = null) {
  // A defect of the page itself is for the console; the reader still gets a sentence.
  if (!(error instanceof Problem)) console.error(error);
  const problem = error instanceof Problem ? error : new Problem(text.problem.server);
  const passing = problem.code === "Network" || problem.status === 429 || problem.status >= 500;
  lightBox.fail(problem, passing ? again : null, Boolean(chosen?.model));
  panel.showTask(chosen);
}
