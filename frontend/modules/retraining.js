// @ts-check
/** One retraining, followed while it runs: status, steps, training metrics, decision and reasons. */
import { announce } from "./announcer.js";
import { approvalForm } from "./approval.js";
import { serverText, element, fill } from "./dom.js";
import { count, dateTime, span } from "./format.js";
import { Poller } from "./poller.js";
import { render } from "./markdown.js";
import { plot } from "./plot.js";
import { fetchRetraining, fetchRetrainingFile } from "./modelapi.js";
import { KeyedView } from "./keyedview.js";
import { steps, stepList, stepName } from "./retrainingsteps.js";
import { statusChip } from "./retrainings.js";
import { modelsAddress, retrainingsAddress, versionAddress } from "./router.js";
import { part } from "./sheet.js";
import { fact } from "./tasks.js";
import { SERVER_LANGUAGE, text } from "./text.js";
import { TrainingCurves } from "./trainingcurves.js";

/** @import { Child } from "./dom.js" */
/** @import { FollowedRetraining } from "./modeltypes.js" */
/** @import { Page } from "./modelpages.js" */

const REFRESH_MS = 3_000;
const REPORT = "report.md";

/** CSS class by final status. @type {Record<string, string>} */
const LOOKS = { deployed: "good", rejected: "review", unchanged: "review", skipped: "review", failed: "bad", stopped: "bad", ended: "review" };

/**
 * @param {string} name
 * @param {Page} page
 */
export function followRetraining(name, page) {
  const labels = text.modelPages.retrainings;
  const view = element("div");
  const heading = element("span", {}, labels.one);
  const trail = element("span");
  const signal = page.sheet.show({ heading, trail: [trail], content: [view], focus: page.focus });
  const parts = {
    status: new KeyedView(),
    approval: new KeyedView(),
    curves: new KeyedView(),
    steps: new KeyedView(),
    facts: new KeyedView(),
    files: new KeyedView(),
  };
  const curves = new TrainingCurves(name);
  let step = "";
  let status = "";

  const poller = new Poller(async () => {
    const retraining = await fetchRetraining(name, signal);
    if (signal.aborted) return false;
    if (!status) begin(retraining);
    tell(retraining);
    show(retraining);
    return retraining.status === "running";
  }, REFRESH_MS, signal);
  fill(view, poller.problem);

  /** @param {FollowedRetraining} retraining */
  function begin({ task: taskName, started_at: started }) {
    const task = page.find(taskName);
    if (task) page.choose(task);
    fill(heading, labels.of, serverText(task?.title ?? (taskName || name)), started && ` · ${dateTime(started)}`);
    fill(trail, task && element("a", { href: retrainingsAddress(task.name) }, labels.heading));
    fill(view, poller.problem, ...Object.values(parts).map((part) => part.element));
  }

  /**
   * Announce changes to screen readers.
   * @param {FollowedRetraining} retraining
   */
  function tell(retraining) {
    const now = steps(retraining.states).at(-1)?.name ?? "";
    const ended = status && status !== retraining.status;
    if (ended) announce(`${labels.statuses[retraining.status]}. ${retraining.outcome ?? ""}`);
    else if (step && now !== step) announce(labels.nextStep(stepName(now)));
    if (ended && retraining.status === "deployed") page.onModelChange();
    [step, status] = [now, retraining.status];
  }

  /** @param {FollowedRetraining} retraining */
  function show(retraining) {
    const { states, metrics, files, waiting_for: waiting } = retraining;
    const running = retraining.status === "running";
    parts.status.show([retraining.status, retraining.outcome, waiting], () => describeStatus(retraining));
    parts.approval.show([running && waiting], () => (running && waiting === "approval" ? [approval(retraining)] : []));
    curves.add(metrics, running);
    parts.curves.show(curves.lines, () => curves.describe());
    parts.steps.show([states, running], () => [element("h3", {}, labels.steps), stepList(states, running)]);
    parts.facts.show([retraining.data, retraining.candidate, retraining.ended_at], () => [element("h3", {}, labels.about), facts(retraining)]);
    parts.files.show(files, () => (files.length ? [report(retraining, signal)] : []));
  }

  /** @param {FollowedRetraining} retraining */
  function approval(retraining) {
    const answered = () => {
      // The buttons will disappear.
      page.sheet.heading.focus({ preventScroll: true });
      poller.once();
    };
    return approvalForm(retraining, answered);
  }
}

/**
 * @param {FollowedRetraining} retraining
 * @returns {Child[]}
 */
function describeStatus(retraining) {
  const labels = text.modelPages.retrainings;
  const { status, outcome } = retraining;
  if (status === "running") return [element("p", {}, statusChip(retraining), outcome && " ", outcome && serverText(outcome))];
  return [
    element(
      "div",
      { className: `verdict ${LOOKS[status] ?? "review"}` },
      element("h3", {}, labels.statuses[status] ?? status),
      outcome && element("p", {}, serverText(outcome)),
    ),
  ];
}

/** @param {FollowedRetraining} retraining */
function facts(retraining) {
  const labels = text.modelPages.retrainings;
  const { task, data, current, candidate, reason, hyperparameters, trials } = retraining;
  const { started_at: started, ended_at: ended, requested_by: by } = retraining;
  const link = (/** @type {string} */ version) => element("a", { href: versionAddress(task, version) }, version);
  const given = Object.entries(hyperparameters).map(([name, value]) => `${name} = ${value}`);
  const parts = Object.entries(data.split ?? {});
  return element(
    "dl",
    { className: "facts" },
    ...(started ? [fact(labels.started, dateTime(started))] : []),
    ...(started && ended ? [fact(labels.ended, `${dateTime(ended)}, ${labels.took(span(Date.parse(ended) - Date.parse(started)))}`)] : []),
    ...(reason ? [fact(labels.reason, reason)] : []),
    ...(by ? [fact(labels.by, by === "local" ? text.review.here : element("code", {}, by))] : []),
    ...(data.images === undefined ? [] : [fact(labels.data, labels.images(count(data.images), count(data.corrections ?? 0)))]),
    ...parts.map(([name, { images, groups }]) => fact(labels.parts[name] ?? name, labels.split(count(images), count(groups)))),
    ...(given.length ? [fact(text.modelPages.hyperparameters.heading, given.join(", "))] : []),
    ...(trials ? [fact(labels.search, labels.trialCount(count(trials)))] : []),
    ...(current ? [fact(labels.current, link(current))] : []),
    ...(candidate ? [fact(labels.candidate, link(candidate))] : []),
    fact(labels.name, element("code", {}, retraining.name)),
    ...(candidate ? [fact(labels.models, element("a", { href: modelsAddress(task) }, labels.allModels))] : []),
  );
}

/**
 * The test report of the new model, with its plots.
 * @param {FollowedRetraining} retraining
 * @param {AbortSignal} signal
 */
function report({ name, files }, signal) {
  const show = (/** @type {string} */ file, /** @type {string} */ alt) => plot(() => fetchRetrainingFile(name, file), alt, signal);
  const pictures = files.filter((file) => file !== REPORT);
  return element(
    "section",
    {},
    element("h3", {}, text.modelPages.retrainings.report),
    files.includes(REPORT)
      ? part(async () => render(await fetchRetrainingFile(name, REPORT), show), { className: "document", lang: SERVER_LANGUAGE })
      : element("div", { className: "plots" }, ...pictures.map((file) => show(file, file))),
  );
}
