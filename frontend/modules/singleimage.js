// @ts-check
/** Classifies a single image, on this device or on the server, which is sent no content twice. Loaded on first use. */
import { notify } from "./announcer.js";
import { classify } from "./api.js";
import { SentFiles, fingerprint } from "./fingerprint.js";
import { fileSize, wholePercent } from "./format.js";
import { inspect } from "./imagefile.js";
import { isFromDevice } from "./ondevice.js";
import { remember } from "./originals.js";
import { pictureOfFile } from "./picture.js";
import { text } from "./text.js";
import { guardSending } from "./unloadguard.js";
import { submit } from "./upload.js";

/** @import { Result, Task } from "./types.js" */
/** @import { Viewer } from "./viewer.js" */

const sent = new SentFiles();

/**
 * Classify an image, which is shown meanwhile.
 * @param {File} file
 * @param {Task} task
 * @param {Viewer} viewer
 * @param {AbortController} view
 * @returns {Promise<{result: Result, took: number}>} classified or quarantined, and the response time in milliseconds
 */
export async function classifyFile(file, task, viewer, view) {
  const { contentType } = await inspect(file);
  await viewer.lightBox.load();
  const picture = await pictureOfFile(file);
  if (picture && viewer.view === view) viewer.lightBox.show(picture, task);
  viewer.working(text.lightBox.classifying, view);
  const sent = performance.now();
  const { device } = viewer;
  const result = await (device.on ? device.classify(task, file, view.signal) : send(task, file, contentType, viewer, view));
  const took = performance.now() - sent;
  remember(result.id, file);
  if (!isFromDevice(result.id)) viewer.worklist.add(result);
  return { result, took };
}

/**
 * @param {Task} task
 * @param {File} file
 * @param {string} contentType
 * @param {Viewer} viewer that shows the progress
 * @param {AbortController} view
 */
function send(task, file, contentType, viewer, view) {
  viewer.working(text.lightBox.sending, view);
  const release = guardSending();
  return submitOnce(task, file, contentType, {
    signal: view.signal,
    onUpload: (share) => viewer.working(text.lightBox.uploading(wholePercent(share), fileSize(file.size)), view, share),
    onSent: () => {
      release();
      viewer.working(text.lightBox.classifying, view);
    },
  }).finally(release);
}

/**
 * @param {Task} task
 * @param {File} file
 * @param {string} contentType
 * @param {Parameters<typeof submit>[3]} options
 * @returns {Promise<Result>} classified or quarantined
 */
async function submitOnce(task, file, contentType, options) {
  const print = await fingerprint(file);
  const key = print && `${task.name}/${print}`;
  const known = key && (await sent.result(key, task, options.signal));
  if (known && known.status === "classified") {
    notify(text.queue.states.known);
    addPicture(known, task, file, contentType);
    return known;
  }
  const result = await submit(task.name, file, contentType, options);
  if (key) sent.note(key, result.id);
  addPicture(result, task, file, contentType);
  return result;
}

/**
 * Send an image again whose display picture the server had no time to make, as after a cold start. Nobody waits for it.
 * @param {Result} result
 * @param {Task} task
 * @param {File} file
 * @param {string} contentType
 */
function addPicture({ arrival, status, picture }, task, file, contentType) {
  if (arrival !== "api" || status !== "classified" || picture !== null) return;
  classify(task.name, file, contentType, new AbortController().signal).catch(() => {}); // readers see the model input
}
