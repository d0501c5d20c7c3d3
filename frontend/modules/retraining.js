// @ts-check
/** One retraining, followed while it runs: status, steps, training metrics, decision and reasons. */
import { announce } from "./announcer.js";
import { approvalForm } from "./approval.js";
import { element, fill } from "./dom.js";
import { count, dateTime, span } from "./format.js";
import { Poller } from "./poller.js";
import { pictures } from "./markdown.js";
import { englishDocument } from "./modelversion.js";
import { plot } from "./plot.js";
import { fetchRetraining, fetchRetrainingFile } from "./modelapi.js";
import { KeyedView } from "./keyedview.js";
import { steps, stepList, stepName } from "./retrainingsteps.js";
import { canStop, stopButton } from "./retrainingstop.js";
import { result } from "./retrainingresult.js";
import { modelsAddress, retrainingsAddress, versionAddress } from "./router.js";
import { translated } from "./sentences.js";
import { part } from "./sheet.js";
import { fact, taskText } from "./tasks.js";
import { text } from "./text.js";
import { TrainingCurves } from "./trainingcurves.js";
import { userText } from "./usertext.js";

/** @import { FollowedRetraining } from "./modeltypes.js" */
/** @import { Page } from "./modelpages.js" */
/** @import { Task } from "./types.js" */

const REFRESH_MS = 3_000;
const REPORT = "report.md";

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
    stop: new KeyedView(),
    approval: new KeyedView(),
    curves: new KeyedView(),
    steps: new KeyedView(),
    facts: new KeyedView(),
    files: new KeyedView(),
  };
  const curves = new TrainingCurves();
  let step = "";
  let status = "";

  const poller = new Poller(async () => {
    const retraining = await fetchRetraining(name, signal);
    if (signal.aborted) return false;
    await curves.read(retraining);
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
    fill(heading, labels.of, taskText(task, taskName || name), started && ` · ${dateTime(started)}`);
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
    if (ended) announce(`${labels.statuses[retraining.status]}. `, ...translated(retraining.outcome ?? "", page.find(retraining.task)));
    else if (step && now !== step) announce(labels.nextStep(stepName(now)));
    if (ended && retraining.status === "deployed") page.onModelChange();
    [step, status] = [now, retraining.status];
  }

  /** @param {FollowedRetraining} retraining */
  function show(retraining) {
    const { states, waiting_for: waiting } = retraining;
    const running = retraining.status === "running";
    parts.status.show([retraining.status, retraining.outcome, waiting], () => result(retraining, page.find(retraining.task)));
    parts.stop.show(canStop(retraining), () => (canStop(retraining) ? [stopButton(retraining, readAtOnce)] : []));
    parts.approval.show([running && waiting], () => (running && waiting === "approval" ? [approvalForm(retraining, readAtOnce)] : []));
    parts.curves.show(curves.known, () => curves.describe());
    parts.steps.show([states, running], () => [element("h3", {}, labels.steps), stepList(states, running)]);
    parts.facts.show([retraining.data, retraining.candidate, retraining.ended_at, retraining.stopped_by], () => [element("h3", {}, labels.about), facts(retraining)]);
    const reported = retraining.files.filter((file) => file === REPORT || file.endsWith(".svg"));
    parts.files.show(reported, () => (reported.length ? [report(name, reported, page.find(retraining.task), signal)] : []));
  }

  /** Show the effect of a button, which will disappear. */
  function readAtOnce() {
    page.sheet.heading.focus({ preventScroll: true });
    poller.once();
  }
}

/** @param {FollowedRetraining} retraining */
function facts(retraining) {
  const labels = text.modelPages.retrainings;
  const { task, data, current, candidate, reason, hyperparameters, trials } = retraining;
  const { started_at: started, ended_at: ended, requested_by: by, stopped_by: stopper, names } = retraining;
  const link = (/** @type {string} */ version) => element("a", { href: versionAddress(task, version) }, version);
  const given = Object.entries(hyperparameters).map(([name, value]) => `${name} = ${value}`);
  const parts = Object.entries(data.split ?? {});
  return element(
    "dl",
    { className: "facts" },
    ...(started ? [fact(labels.started, dateTime(started))] : []),
    ...(started && ended ? [fact(labels.ended, `${dateTime(ended)}, ${labels.took(span(Date.parse(ended) - Date.parse(started)))}`)] : []),
    ...(reason ? [fact(labels.reason, reason)] : []),
    ...(by ? [fact(labels.by, userText(by, names))] : []),
    ...(stopper ? [fact(labels.stoppedBy, userText(stopper, names))] : []),
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
 * @param {string} name
 * @param {string[]} files
 * @param {Task | undefined} task
 * @param {AbortSignal} signal
 */
function report(name, files, task, signal) {
  const figures = files.filter((file) => file !== REPORT).map((file) => ({ file, alt: file }));
  const read = async () => {
    const source = files.includes(REPORT) ? await fetchRetrainingFile(name, REPORT) : "";
    const named = source ? pictures(source) : figures;
    const plots = named.map(({ file, alt }) => plot(() => fetchRetrainingFile(name, file), alt, signal, task));
    return [
      source && englishDocument("div", source),
      element("div", { className: "plots" }, ...plots),
    ];
  };
  return element("section", {}, element("h3", {}, text.modelPages.retrainings.report), part(read, { className: "columns" }));
}
