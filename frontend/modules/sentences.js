// @ts-check
/**
 * Sentences that training and the server store with models and retrainings, in the language of the page. They are found by
 * their form, so that those of earlier releases are translated too; what has no known form, such as the message of a service
 * that failed, stays as it is.
 */
import { serverText } from "./dom.js";
import { classTitle } from "./tasks.js";
import { SERVER_LANGUAGE, language, loadTextsOf, locale, text } from "./text.js";

/** @import { Child } from "./dom.js" */
/** @import { Task } from "./types.js" */

await loadTextsOf("sentences");

/** By the names of their translations. @type {Record<string, RegExp>} */
const FORMS = {
  // The gate
  firstModel: /It reaches every minimum of its task, and there is no model to compare it with\./,
  better: /It reaches every minimum of its task, and is better than the current one \(probability (?<sure>\S+) %, accuracy (?<gain>.+?)(?: points)?\)\./,
  tooLow: /Its (?<metric>[\w ]+) is (?<value>[\w. ]+); the task demands at least (?<least>[\d.]+)\./,
  lessSensitive: /Sensitivity for '(?<label>.+?)' falls by (?<fall>[\d.]+) points; (?<allowed>[\d.]+) are allowed\./,
  notBetter: /The probability that it is better than the current model is (?<sure>\d+) %; (?<needed>\d+) % are needed\./,
  manyDecisions: /It was decision (?<number>\d+) by these test images; the more they decide, the likelier a model passes by chance\./,
  perhapsSeen: /It is unknown whether the current model was trained on some of these test images; if it was, it looks better than it is\./,
  allSeen: /The current model was trained on all of these test images, so it looks better than it is\./,
  someSeen: /The current model was trained on (?<seen>\d+) of the (?<images>\d+) test images; they are not in the comparison\./,
  bundled: /It came with the application\./,
  // Ends
  deployed: /(?<version>\S+) classifies from now on\./,
  currentStays: /The current model stays\./,
  late: /The new model was not approved in time\./,
  declined: /The new model was declined by (?<who>\S+)\./,
  unchanged: /The current model was trained on exactly these images and labels, so there is nothing new to learn\. \{"force": true\} trains anyway\./,
  unrecorded: /(?<version>\S+) classifies from now on, but recording that failed\./,
  unrecordedRollback: /(?<version>\S+) was deployed and rolled back, but recording that failed\./,
  stoppedByAdmin: /It was stopped by an administrator\./,
  stopped: /It was stopped\./,
  timedOut: /It exceeded its time limit\./,
  failed: /It failed\./,
  unknownEnd: /It has completed, but its outcome was not recorded\./,
  expired: /Execution history has expired; the outcome is unknown\./,
  stoppedAfter: /(?<version>\S+) was deployed; the retraining was stopped after that\./,
  running: /(?<task>\S.*?) is being retrained by (?<name>\S+)\. Wait for its end, or stop that execution\./,
  // Failures, and what to do
  jobStopped: /The job was stopped, or exceeded its time limit\./,
  notRolledBack: /The retraining failed, and its deployment could not be rolled back:/,
  finishesRollback: /The current model answers, from its package if need be\. Remove the cause, then retrain the task: that finishes the rollback first\./,
  endpointStays: /The endpoint (?<endpoint>\S+) stays for a rollback, until the next new model or `make idle`\./,
  endpointGone: /Its endpoint (?<endpoint>\S+) is gone; the Lambda runs the model until `make wake` creates it again\./,
  quota: /Ask for a higher quota in Service Quotas \(Amazon SageMaker\), or deploy another type of instance with INSTANCE=, and start again\./,
  DataFailed: /Fix the cause, which may be the data set, and start again\./,
  TuningFailed: /See the logs of its training jobs in (?<log>\/\S+)\. Start again with fewer trials, or without 'tune'\./,
  TrainingFailed: /See its log in (?<log>\/\S+)\. Correct the data or the hyper-parameters and start again\./,
  RegistrationFailed: /See the log of the training job in (?<log>\/\S+) for what it packed\. Start again\./,
  EvaluationFailed: /See the log of the transform job \((?<transform>\/\S+)\) or of the evaluation job \((?<evaluation>\/\S+)\)\. Start again\./,
  ApprovalFailed: /Start again, or deploy without approval\./,
  DeploymentFailed: /The endpoint's log in (?<log>\/\S+) says why it did not start(?: or answered with errors)?\. The previous model is still deployed\. Start again, or choose another kind of endpoint in the task's \[serving\]\./,
  SmokeTestFailed: /The endpoint's answers differ from those of the evaluation\. The previous model is still deployed\. Compare the containers of training and endpoint, then start again\./,
  PromotionFailed: /The previous model is still deployed\. Start again\./,
};

/**
 * @param {string} sentences
 * @param {Task} [task] that they are about
 * @returns {Child[]}
 */
export function translated(sentences, task) {
  if (language === SERVER_LANGUAGE) return [sentences];
  const found = first(sentences);
  if (!found) return sentences.trim() ? [serverText(sentences)] : [sentences];
  const { translation, match } = found;
  const before = sentences.slice(0, match.index);
  return [
    before && serverText(before),
    translation(inWords(match.groups ?? {}, task)),
    ...translated(sentences.slice(match.index + match[0].length), task),
  ];
}

/**
 * The first of the known sentences, and of several that begin there the longest.
 * @param {string} sentences
 */
function first(sentences) {
  const found = Object.entries(FORMS).flatMap(([name, form]) => {
    const [translation, match] = [text.sentences[name], form.exec(sentences)];
    return translation && match ? [{ translation, match }] : [];
  });
  return found.sort((a, b) => a.match.index - b.match.index || b.match[0].length - a.match[0].length)[0];
}

/**
 * What a sentence names, in the language of the page.
 * @param {Record<string, string>} given
 * @param {Task} [task]
 * @returns {Record<string, string>}
 */
function inWords(given, task) {
  /** @type {Record<string, (value: string) => string>} */
  const words = {
    metric: (name) => text.tasks.metrics[/** @type {"auc"} */ (name.replaceAll(" ", "_"))] ?? name,
    label: (name) => classTitle(task, name),
    task: (title) => task?.title ?? title,
  };
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, words[name]?.(value) ?? localNumber(value)]));
}

/**
 * A number with a decimal point as it is written in the language of the page; anything else as it is.
 * @param {string} value
 */
export function localNumber(value) {
  const number = /^([+-]?)\d+(?:\.(\d+))?$/.exec(value);
  if (!number) return value === "not defined" ? text.sentences.notDefined?.({}) ?? value : value;
  const digits = number[2]?.length ?? 0;
  const signDisplay = number[1] === "+" ? "always" : "auto";
  return Number(value).toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay });
}
