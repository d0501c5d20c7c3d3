// @ts-check
/** One version of a task's model: its status, the decision and its reasons, its metrics, and its card. */
import { Problem } from "./api.js";
import { element } from "./dom.js";
import { date, dateTime, metric } from "./format.js";
import { pictures, render } from "./markdown.js";
import { plot } from "./plot.js";
import { fetchFacts, fetchModelFile, fetchVersions } from "./modelapi.js";
import { modelsAddress, retrainingAddress, versionAddress } from "./router.js";
import { translated } from "./sentences.js";
import { part } from "./sheet.js";
import { tableBox } from "./table.js";
import { fact, taskText } from "./tasks.js";
import { SERVER_LANGUAGE, text } from "./text.js";

/** @import { Child } from "./dom.js" */
/** @import { ModelVersion } from "./modeltypes.js" */
/** @import { Interval } from "./types.js" */
/** @import { Page } from "./modelpages.js" */
/** @import { Task } from "./types.js" */

/** Digits of a checksum that are shown. */
const SHORT_SHA = 12;

/**
 * @param {Task} task
 * @param {string} version
 * @param {Page} page
 */
export function showVersion(task, version, page) {
  const labels = text.modelPages.models;
  const signal = page.sheet.show({
    heading: labels.version(version),
    trail: [element("a", { href: modelsAddress(task.name) }, labels.heading, taskText(task))],
    content: [part(async () => {
      const record = (await fetchVersions(task.name)).find((known) => known.version === version);
      if (!record) throw new Problem(labels.unknown);
      const about = [
        element("p", {}, statusChip(record), ` ${labels.meanings[record.status]}`),
        ...decision(record, task),
        facts(record),
        part(() => measured(task, record)),
      ];
      const shown = [element("h3", {}, labels.plots), part(() => plots(task, record, signal))];
      return [
        element("div", { className: "columns" }, element("div", {}, ...about), element("div", {}, ...shown)),
        part(async () => [card(await fetchModelFile(task.name, version, "card.md"))]),
      ];
    })],
    focus: page.focus,
  });
}

/** @param {ModelVersion} version */
export const statusChip = ({ status }) => element("span", { className: `chip ${status}` }, text.modelPages.models.statuses[status]);

/**
 * The origin of a version.
 * @param {ModelVersion} version
 */
export function originText({ origin, run, source }) {
  const labels = text.modelPages.models;
  if (run) return element("a", { href: retrainingAddress(run) }, labels.fromRetraining);
  if (source) return labels.imported(source.stage);
  return origin === "bundled" ? labels.bundled : labels.registered;
}

/**
 * A metric with its confidence interval, for tables that explain the brackets.
 * @param {Interval} measured
 */
export const intervalText = ({ value, low, high }) =>
  // The test set does not define this value.
  value === null ? "–" : text.modelPages.models.interval(metric(value), metric(low), metric(high));

/**
 * The metrics of a version on its test set, beside the task's gate.
 * @param {Task} task
 * @param {ModelVersion} version
 * @returns {Promise<Child[]>}
 */
export async function measured(task, { version }) {
  const labels = text.modelPages.models;
  const { metrics, data } = await fetchFacts(task.name, version);
  const least = task.gate.metrics;
  const rows = Object.entries(text.tasks.metrics)
    .filter(([name]) => metrics.test[name])
    .map(([name, title]) => {
      const { value } = metrics.test[name];
      return [[title], [intervalText(metrics.test[name])], name in least ? gateText(value, least[name]) : ["–"]];
    });
  const { images, groups } = data.split.test;
  return [
    element("p", {}, labels.tested(String(images), String(groups))),
    tableBox([labels.metric, labels.value, labels.gate], rows),
    element("p", { className: "small-print" }, labels.gateMeaning(metric(task.gate.max_sensitivity_drop))),
  ];
}

/**
 * @param {number} value
 * @param {number} least
 * @returns {(string | Node)[]}
 */
function gateText(value, least) {
  const labels = text.modelPages.models;
  const reached = value >= least;
  const chip = element("span", { className: `chip ${reached ? "good" : "bad"}` }, reached ? labels.reached : labels.missed);
  return [labels.atLeast(metric(least)), " ", chip];
}

/**
 * The decision and its reasons.
 * @param {ModelVersion} version
 * @param {Task} task
 * @returns {Child[]}
 */
function decision({ decision: decided }, task) {
  if (!decided) return [];
  const reasons = decided.reasons.map((reason) => element("li", {}, ...translated(reason, task)));
  return [
    element(
      "div",
      { className: `verdict ${decided.accepted ? "good" : "bad"}` },
      element("h3", {}, text.modelPages.models.decided(decided.accepted, dateTime(decided.decided_at))),
      element("ul", {}, ...reasons),
    ),
  ];
}

/** @param {ModelVersion} version */
function facts(version) {
  const labels = text.modelPages.models;
  const { task, parent, endpoint } = version;
  return element(
    "dl",
    { className: "facts" },
    fact(labels.trained, date(version.created_at)),
    fact(labels.origin, originText(version)),
    ...(parent ? [fact(labels.parent, element("a", { href: versionAddress(task, parent) }, parent))] : []),
    ...(endpoint ? [fact(labels.endpoint, endpoint)] : []),
    fact(text.facts.sha256, element("code", {}, version.sha256.slice(0, SHORT_SHA))),
  );
}

/**
 * The plots of a version's card.
 * @param {Task} task
 * @param {ModelVersion} version
 * @param {AbortSignal} signal aborted when the view is closed
 */
export async function plots(task, { version }, signal) {
  const card = await fetchModelFile(task.name, version, "card.md");
  const figures = pictures(card).map(({ file, alt }) => plot(() => fetchModelFile(task.name, version, file), alt, signal, task));
  return [element("div", { className: "plots" }, ...figures)];
}

/**
 * The card without its plots, which are shown beside the metrics.
 * @param {string} source Markdown
 */
const card = (source) => englishDocument("article", source);

/**
 * A document from training, without its plots. It says where it is not in the language of the page.
 * @param {"article" | "div"} tag
 * @param {string} source Markdown
 */
export const englishDocument = (tag, source) =>
  element(
    tag,
    { className: "document" },
    text.storedInEnglish && element("p", { className: "soft" }, text.storedInEnglish),
    element("div", { lang: SERVER_LANGUAGE }, ...render(source, () => document.createDocumentFragment())),
  );
