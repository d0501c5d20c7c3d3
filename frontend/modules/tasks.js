// @ts-check
/** The tasks: the chooser, and the description of a task. */
import { serverText, element, fill } from "./dom.js";
import { date, metric } from "./format.js";
import { versionAddress } from "./router.js";
import { text } from "./text.js";

/** @import { Catalogue, Interval, Result, Task, TaskModel } from "./types.js" */

/**
 * @param {Catalogue} catalogue
 * @param {string | undefined} name
 * @returns {Task | undefined}
 */
export const findTask = (catalogue, name) => catalogue.tasks.find((task) => task.name === name);

/**
 * The initial task: the first whose model reaches its gate, else the first with a model.
 * @param {Catalogue} catalogue
 * @returns {Task | undefined}
 */
export const firstTask = ({ tasks }) =>
  tasks.find(({ model }) => model?.shortfall.length === 0) ?? tasks.find(({ model }) => model) ?? tasks[0];

/**
 * The title of a class, or its name if the task does not have it (any more).
 * @param {Task | undefined} task
 * @param {string | null} label
 */
export const classTitle = (task, label) => task?.classes.find((known) => known.name === label)?.title ?? label ?? "";

/**
 * The same as an element that is marked with its language.
 * @param {Task | undefined} task
 * @param {string | null} label
 */
export const classText = (task, label) => serverText(classTitle(task, label), task?.language);

/**
 * The title of a task, or its name if it does not exist (any more).
 * @param {Task | undefined} task
 * @param {string} [name]
 */
export const taskText = (task, name = "") => serverText(task?.title ?? name, task?.language);

/**
 * The classes of a result in the task's order, since the table keeps none.
 * @param {Result} result
 * @param {Task | undefined} task
 */
export function classNames({ probabilities }, task) {
  const known = task?.classes.map(({ name }) => name).filter((name) => name in probabilities) ?? [];
  // A class that was removed from the task is still part of the result.
  return [...known, ...Object.keys(probabilities).filter((name) => !known.includes(name))];
}

/** @param {string} code DICOM's, such as MG */
export const modalityTitle = (code) => text.tasks.modalities[code] ?? code;

/**
 * @param {HTMLSelectElement} chooser
 * @param {Task[]} tasks
 */
export function fillChooser(chooser, tasks) {
  const label = (/** @type {Task} */ task) => (task.model ? task.title : text.tasks.withoutModel(task.title));
  const readyFirst = [...tasks].sort((a, b) => Number(!a.model) - Number(!b.model));
  const chosen = chooser.value;
  fill(chooser, ...readyFirst.map((task) => element("option", { value: task.name }, label(task))));
  if (chosen) chooser.value = chosen;
  chooser.disabled = tasks.length === 0;
}

/**
 * The description of a task: intended use, limitations, classes and model.
 * @param {Task} task
 * @returns {Node[]}
 */
export function describeTask(task) {
  const classes = task.classes.map(({ name }) => element("li", {}, classText(task, name)));
  return [
    element("h3", {}, text.tasks.intendedUse),
    element("p", {}, serverText(task.intended_use, task.language)),
    element("h3", {}, text.tasks.limits),
    limits(task),
    element("h3", {}, text.tasks.classes),
    element("ul", { className: "tags" }, ...classes),
    ...(task.model ? describeModel(task.name, task.model) : []),
  ];
}

/**
 * A short form, shown below a result.
 * @param {Task} task
 */
export function useAndLimits(task) {
  return element(
    "details",
    {},
    element("summary", {}, text.tasks.useAndLimits),
    element("p", {}, serverText(task.intended_use, task.language)),
    limits(task),
  );
}

/**
 * The light box of a task without a model, which is a normal state.
 * @returns {Node[]}
 */
export const noModel = () => [element("h3", {}, text.tasks.noModelHeading), element("p", {}, text.tasks.noModel)];

/** @param {Task} task */
const limits = (task) => element("ul", {}, ...task.limits.map((limit) => element("li", {}, serverText(limit, task.language))));

/**
 * @param {string} task
 * @param {TaskModel} model
 */
function describeModel(task, model) {
  const measured = Object.entries(text.tasks.metrics).filter(([name]) => model.metrics[name]);
  const rows = measured.map(([name, title]) => fact(title, interval(model.metrics[name])));
  const origin = model.version && model.created_at
    ? [
        element("a", { href: versionAddress(task, model.version) }, text.tasks.card(model.version)),
        `, ${text.tasks.trained(date(model.created_at))}`,
      ]
    : [text.tasks.onEndpoint(model.endpoint ?? "")];
  return [
    element("h3", {}, text.tasks.model),
    element("p", {}, ...origin),
    ...(model.shortfall.length ? [weakness(model.shortfall)] : []),
    ...(rows.length ? [element("p", {}, text.tasks.tested), element("dl", { className: "facts" }, ...rows)] : []),
  ];
}

/**
 * A warning that a model does not reach the gate of its task.
 * @param {TaskModel["shortfall"]} shortfall
 */
export function weakness(shortfall) {
  const parts = shortfall.map(({ metric: name, value, least }) =>
    text.tasks.short(text.tasks.metrics[name] ?? name, value === null ? "–" : metric(value), metric(least)),
  );
  return element("p", { className: "verdict review" }, text.tasks.weak(parts.join("; ")));
}

/** @param {Interval} measured */
const interval = ({ value, low, high }) => text.tasks.interval(metric(value), metric(low), metric(high));

/**
 * A row of a definition list.
 * @param {string} term
 * @param {...(string | Node)} description
 */
export const fact = (term, ...description) =>
  element("div", {}, element("dt", {}, term), element("dd", {}, ...description));
