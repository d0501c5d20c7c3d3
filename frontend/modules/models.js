// @ts-check
/** The models of a task: the version in use with its metrics, and all versions over time. */
import { announce } from "./announcer.js";
import { ask } from "./confirmation.js";
import { datasetAddress } from "./deployment.js";
import { serverText, element } from "./dom.js";
import { count, date, dateTime, decimal } from "./format.js";
import { history } from "./modelhistory.js";
import { measured, originText, plots } from "./modelversion.js";
import { fetchDrift, fetchVersions, rollBack } from "./modelapi.js";
import { hasRole, adminsOnly } from "./permissions.js";
import { batchesAddress, peopleAddress, retrainingsAddress, versionAddress } from "./router.js";
import { part } from "./sheet.js";
import { taskText, weakness } from "./tasks.js";
import { text } from "./text.js";

/** @import { Child } from "./dom.js" */
/** @import { Drift, ModelVersion } from "./modeltypes.js" */
/** @import { Page } from "./modelpages.js" */
/** @import { Task } from "./types.js" */

/**
 * @param {Task} task
 * @param {Page} page
 */
export function showModels(task, page) {
  const labels = text.modelPages.models;
  const signal = page.sheet.show({
    heading: element("span", {}, labels.heading, taskText(task)),
    content: [part(async () => {
      const versions = await fetchVersions(task.name);
      const current = versions.find(({ status }) => status === "current");
      const all = versions.length ? [element("h3", {}, labels.history), history(task, versions)] : [];
      if (!current) return [...withoutModel(task), ...all];
      const rollBack = [element("h3", {}, labels.rollBackHeading), rollBackPart(task, versions, page)];
      const pictures = [element("h3", {}, labels.plots), part(() => plots(task, current, signal))];
      return [
        element(
          "div",
          { className: "columns" },
          element("div", {}, ...inUse(task, current), ...rollBack),
          element("div", {}, ...pictures),
        ),
        ...all,
      ];
    })],
    focus: page.focus,
  });
}

/**
 * @param {Task} task
 * @param {ModelVersion} current
 * @returns {Child[]}
 */
function inUse(task, current) {
  const labels = text.modelPages.models;
  const address = versionAddress(task.name, current.version);
  return [
    externalEndpoint(task),
    element("h3", {}, labels.current),
    element(
      "p",
      { className: "lead" },
      element("a", { href: address }, current.version),
      ` · ${text.tasks.trained(date(current.created_at))} · `,
      originText(current),
      current.since && ` · ${labels.since(dateTime(current.since))}`,
    ),
    task.model?.version === current.version && task.model.shortfall.length > 0 && weakness(task.model.shortfall),
    part(() => measured(task, current)),
    part(async () => driftLine(await fetchDrift(task.name))),
    element("p", {}, element("a", { href: address }, text.tasks.card(current.version))),
    element("p", {}, element("a", { href: peopleAddress(task.name) }, labels.people)),
    hasRole("admin") && element("p", {}, element("a", { href: batchesAddress(task.name) }, labels.batches)),
  ];
}

/**
 * A task without a model, which is a normal state: what to do next.
 * @param {Task} task
 * @returns {Child[]}
 */
function withoutModel(task) {
  const labels = text.modelPages.models;
  const external = externalEndpoint(task);
  if (external) return [external];
  return [
    element("h3", {}, text.tasks.noModelHeading),
    element("p", {}, labels.none),
    element(
      "ol",
      {},
      element("li", {}, labels.putImages, element("code", {}, `${datasetAddress(task.name)}CLASS/`)),
      element("li", {}, element("a", { href: retrainingsAddress(task.name) }, labels.startOne)),
    ),
  ];
}

/**
 * A note that an external endpoint serves the task, whatever is registered here.
 * @param {Task} task
 */
const externalEndpoint = ({ model }) =>
  model?.endpoint && !model.version ? element("p", { className: "verdict review" }, text.tasks.onEndpoint(model.endpoint)) : null;

/**
 * The drift report in one line.
 * @param {Drift} drift
 * @returns {Child[]}
 */
function driftLine({ report, reason, missing }) {
  const labels = text.modelPages.drift;
  if (!report) {
    const translated = missing && labels.missing[missing.code]?.(count(missing.answers ?? 0), count(missing.needed ?? 0));
    return [element("p", { className: "soft" }, labels.unknown, translated ?? serverText(reason ?? ""))];
  }
  const answers = labels.answers(String(report.answers), date(report.until));
  if (!report.drifted) return [element("p", {}, labels.none, answers)];
  const aspects = report.aspects.filter(({ drifted }) => drifted).map(({ aspect, psi }) => labels.aspect(labels.aspects[aspect], decimal(psi)));
  return [element("p", { className: "verdict review" }, labels.drifted(aspects.join(", ")), answers)];
}

/**
 * @param {Task} task
 * @param {ModelVersion[]} versions
 * @param {Page} page
 */
function rollBackPart(task, versions, page) {
  const labels = text.modelPages.models;
  const current = versions.find(({ status }) => status === "current");
  const previous = versions.find(({ status }) => status === "previous");
  if (!current || !previous) return element("p", { className: "soft" }, labels.nothingBefore);
  if (!hasRole("admin")) return adminsOnly(labels.rollBackRight);
  const question = {
    heading: labels.rollBackQuestion(previous.version),
    consequences: [
      labels.rollBackTo(previous.version, date(previous.created_at)),
      labels.rollBackKeeps(current.version),
      labels.rollBackResults,
      ...(current.endpoint && current.endpoint !== previous.endpoint ? [labels.rollBackEndpoint(current.endpoint)] : []),
    ],
    action: labels.rollBack,
    act: async () => {
      const { version } = await rollBack(task.name, current.version);
      announce(labels.rolledBack(version));
    },
    after: () => {
      page.onModelChange();
      showModels(task, { ...page, focus: true });
    },
  };
  const button = element("button", { type: "button", className: "secondary" }, labels.rollBackTold(previous.version));
  button.addEventListener("click", () => ask(question));
  return element("p", {}, button);
}
