// @ts-check
/** The models of a task: which one classifies, how good it is, and those there were before. */
import { announce } from "./announcer.js";
import { ask } from "./confirmation.js";
import { datasetAddress } from "./deployment.js";
import { serverText, element } from "./dom.js";
import { date, dateTime, decimal } from "./format.js";
import { pictures } from "./markdown.js";
import { history } from "./modelhistory.js";
import { measured, originText } from "./modelversion.js";
import { plot } from "./plot.js";
import { fetchDrift, fetchModelFile, fetchVersions, rollBack } from "./recordsapi.js";
import { hasRole, adminsOnly } from "./permissions.js";
import { retrainingsAddress, versionAddress } from "./router.js";
import { part } from "./sheet.js";
import { weakness } from "./tasks.js";
import { text } from "./text.js";

/** @import { Child } from "./dom.js" */
/** @import { Drift, ModelVersion } from "./recordtypes.js" */
/** @import { Page } from "./records.js" */
/** @import { Task } from "./types.js" */

/**
 * @param {Task} task
 * @param {Page} page
 */
export function showModels(task, page) {
  const words = text.records.models;
  const signal = page.sheet.show({
    heading: element("span", {}, words.heading, serverText(task.title)),
    content: [part(async () => {
      const versions = await fetchVersions(task.name);
      const current = versions.find(({ status }) => status === "current");
      const all = versions.length ? [element("h3", {}, words.history), history(task, versions)] : [];
      if (!current) return [...withoutModel(task), ...all];
      const rollBack = [element("h3", {}, words.rollBackHeading), rollBackPart(task, versions, page)];
      const pictures = [element("h3", {}, words.plots), part(() => plots(current, signal))];
      return [
        element(
          "div",
          { className: "columns" },
          element("div", {}, ...inUse(task, current), ...rollBack, ...all),
          element("div", {}, ...pictures),
        ),
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
  const words = text.records.models;
  const address = versionAddress(task.name, current.version);
  return [
    foreignEndpoint(task),
    element("h3", {}, words.current),
    element(
      "p",
      { className: "lead" },
      element("a", { href: address }, current.version),
      ` · ${text.tasks.trained(date(current.created_at))} · `,
      originText(current),
      current.since && ` · ${words.since(dateTime(current.since))}`,
    ),
    task.model?.version === current.version && task.model.shortfall.length > 0 && weakness(task.model.shortfall),
    part(() => measured(task, current)),
    part(async () => driftLine(await fetchDrift(task.name))),
    element("p", {}, element("a", { href: address }, text.tasks.card(current.version))),
  ];
}

/**
 * What its card shows.
 * @param {ModelVersion} version
 * @param {AbortSignal} signal tells when nobody looks any more
 */
async function plots({ task, version }, signal) {
  const card = await fetchModelFile(task, version, "card.md");
  const figures = pictures(card).map(({ file, words }) => plot(() => fetchModelFile(task, version, file), words, signal));
  return [element("div", { className: "plots", lang: "en" }, ...figures)];
}

/**
 * A normal state, with what to do about it.
 * @param {Task} task
 * @returns {Child[]}
 */
function withoutModel(task) {
  const words = text.records.models;
  const foreign = foreignEndpoint(task);
  if (foreign) return [foreign];
  return [
    element("h3", {}, text.tasks.noModelHeading),
    element("p", {}, words.none),
    element(
      "ol",
      {},
      element("li", {}, words.putImages, element("code", {}, `${datasetAddress(task.name)}CLASS/`)),
      element("li", {}, element("a", { href: retrainingsAddress(task.name) }, words.startOne)),
    ),
  ];
}

/**
 * Where an endpoint that is not this application's answers, whatever is registered here.
 * @param {Task} task
 */
const foreignEndpoint = ({ model }) =>
  model?.endpoint && !model.version ? element("p", { className: "verdict review" }, text.tasks.onEndpoint(model.endpoint)) : null;

/**
 * Whether images have changed, in one line.
 * @param {Drift} drift
 * @returns {Child[]}
 */
function driftLine({ report, reason }) {
  const words = text.records.drift;
  if (!report) return [element("p", { className: "soft" }, words.unknown, serverText(reason ?? ""))];
  const answers = words.answers(String(report.answers), date(report.until));
  if (!report.drifted) return [element("p", {}, words.none, answers)];
  const aspects = report.aspects.filter(({ drifted }) => drifted).map(({ aspect, psi }) => words.aspect(words.aspects[aspect], decimal(psi)));
  return [element("p", { className: "verdict review" }, words.drifted(aspects.join(", ")), answers)];
}

/**
 * @param {Task} task
 * @param {ModelVersion[]} versions
 * @param {Page} page
 */
function rollBackPart(task, versions, page) {
  const words = text.records.models;
  const current = versions.find(({ status }) => status === "current");
  const previous = versions.find(({ status }) => status === "previous");
  if (!current || !previous) return element("p", { className: "soft" }, words.nothingBefore);
  if (!hasRole("admin")) return adminsOnly(words.rollBackRight);
  const question = {
    heading: words.rollBackQuestion(previous.version),
    consequences: [
      words.rollBackTo(previous.version, date(previous.created_at)),
      words.rollBackKeeps(current.version),
      words.rollBackResults,
      ...(current.endpoint && current.endpoint !== previous.endpoint ? [words.rollBackEndpoint(current.endpoint)] : []),
    ],
    action: words.rollBack,
    act: async () => {
      const { version } = await rollBack(task.name, current.version);
      announce(words.rolledBack(version));
    },
    after: () => {
      page.onModelChange();
      showModels(task, { ...page, focus: true });
    },
  };
  const button = element("button", { type: "button", className: "secondary" }, words.rollBackTold(previous.version));
  button.addEventListener("click", () => ask(question));
  return element("p", {}, button);
}
