// @ts-check
/** One batch, followed while it runs: progress, stopping and resuming, report. */
import { announce } from "./announcer.js";
import { fetchBatch, resumeBatch, stopBatch } from "./batchapi.js";
import { sourceText, statusChip } from "./batches.js";
import { estimateText } from "./batchestimate.js";
import { reportView } from "./batchreport.js";
import { ask } from "./confirmation.js";
import { element, fill } from "./dom.js";
import { count, dateTime } from "./format.js";
import { KeyedView } from "./keyedview.js";
import { adminsOnly, hasRole } from "./permissions.js";
import { Poller } from "./poller.js";
import { batchesAddress } from "./router.js";
import { note } from "./sheet.js";
import { fact, taskText } from "./tasks.js";
import { text } from "./text.js";
import { userText } from "./usertext.js";

/** @import { Child } from "./dom.js" */
/** @import { FollowedBatch } from "./batchtypes.js" */
/** @import { Page } from "./modelpages.js" */

const REFRESH_MS = 5_000;

/** How often the progress is read out: at each quarter. */
const TOLD = 4;

/** Step Functions' error for a batch in which too many parts failed. */
const TOO_MANY_FAILED = "States.ExceedToleratedFailureThreshold";

/**
 * @param {string} name
 * @param {Page} page
 */
export function followBatch(name, page) {
  const labels = text.batches;
  if (!hasRole("admin")) {
    page.sheet.show({ heading: labels.heading, content: [adminsOnly(labels.right)], focus: page.focus });
    return;
  }
  const view = element("div");
  const heading = element("span", {}, labels.one);
  const trail = element("span");
  const signal = page.sheet.show({ heading, trail: [trail], content: [view], focus: page.focus });
  const parts = { status: new KeyedView(), progress: new KeyedView(), act: new KeyedView(), report: new KeyedView(), facts: new KeyedView() };
  let status = "";
  let quarter = 0;
  /** Nothing changes until somebody resumes the batch. */
  let atRest = false;

  const poller = new Poller(async () => {
    if (atRest) return true;
    const batch = await fetchBatch(name, signal);
    if (signal.aborted) return false;
    if (!status) begin(batch);
    tell(batch);
    show(batch);
    atRest = batch.status !== "running" && !isFinishing(batch);
    return true;
  }, REFRESH_MS, signal);
  fill(view, poller.problem);

  /** @param {FollowedBatch} batch */
  function begin({ task: taskName, requested_at: started }) {
    const task = page.find(taskName);
    if (task) page.choose(task);
    fill(heading, labels.of, taskText(task, taskName), ` · ${dateTime(started)}`);
    fill(trail, task && element("a", { href: batchesAddress(task.name) }, labels.heading));
    fill(view, poller.problem, ...Object.values(parts).map((part) => part.element));
  }

  /**
   * Announce changes to screen readers.
   * @param {FollowedBatch} batch
   */
  function tell(batch) {
    const before = quarter;
    quarter = batch.status === "running" ? Math.floor(TOLD * share(batch)) : 0;
    if (status && status !== batch.status) announce(`${labels.statuses[batch.status]}. ${sentence(batch)}`);
    else if (status && quarter > before) announce(progressText(batch));
    status = batch.status;
  }

  /** @param {FollowedBatch} batch */
  function show(batch) {
    const finishing = isFinishing(batch);
    parts.status.show([batch.status, batch.outcome, finishing, batch.progress?.step, batch.report?.failed], () => [statusView(batch)]);
    parts.progress.show(batch.status === "ended" ? null : [batch.progress, batch.estimate], () => progressView(batch));
    parts.act.show(batch.status, () => [button(batch)]);
    parts.report.show(batch.report, () => (batch.report ? reportView(batch, batch.report, page.find(batch.task), signal) : []));
    parts.facts.show([batch.passes], () => [element("h3", {}, text.modelPages.retrainings.about), facts(batch)]);
  }

  /**
   * The button that stops a batch, or starts another pass.
   * @param {FollowedBatch} batch
   */
  function button({ status: now }) {
    const problem = element("div");
    const made = element("button", { type: "button", className: now === "ended" ? "quiet" : "secondary" }, labels.acts[now]);
    made.addEventListener("click", now === "running" ? askToStop : resume);
    return element("div", {}, problem, element("p", {}, made), now === "ended" && element("p", { className: "small-print" }, labels.runAgain));

    async function resume() {
      made.disabled = true;
      fill(problem);
      try {
        await resumeBatch(name);
        readAtOnce();
      } catch (error) {
        fill(problem, note(error));
      } finally {
        made.disabled = false;
      }
    }
  }

  function askToStop() {
    ask({ heading: labels.stop.question, consequences: [labels.stop.parts, labels.stop.kept], action: labels.stop.act, act: () => stopBatch(name), after: readAtOnce });
  }

  /** Show the effect of a button, which will disappear. */
  function readAtOnce() {
    atRest = false;
    page.sheet.heading.focus({ preventScroll: true });
    poller.once();
  }
}

/**
 * Whether it was stopped, and parts that had begun are not finished.
 * @param {FollowedBatch} batch
 */
const isFinishing = ({ status, progress }) => status === "stopped" && (progress?.running ?? 0) > 0;

/** @param {FollowedBatch} batch */
function statusView(batch) {
  if (batch.status === "running") return element("p", {}, statusChip(batch.status), " ", sentence(batch));
  const look = { stopped: "review", failed: "bad", ended: batch.report?.failed ? "review" : "good" }[batch.status];
  return element("div", { className: `verdict ${look}` }, element("h3", {}, text.batches.statuses[batch.status]), element("p", {}, sentence(batch)));
}

/**
 * What its status means.
 * @param {FollowedBatch} batch
 */
function sentence(batch) {
  const { status, outcome, report, progress } = batch;
  const labels = text.batches.sentences;
  if (status === "running") return progress ? labels.running[progress.step] : labels.listing;
  if (status === "stopped") return isFinishing(batch) ? labels.finishing : labels.stopped;
  if (status === "failed") return outcome === TOO_MANY_FAILED ? labels.tooManyFailed : labels.failed(outcome ?? "");
  return report?.failed ? labels.endedWithFailures(count(report.failed), report.failed) : labels.ended;
}

/**
 * The images of the pass: at least those that were counted before, since not all need be listed yet. Of them, only those that a transform
 * job has classified are recorded.
 * @param {FollowedBatch} batch
 */
const total = ({ progress, estimate }) => (progress?.step === "record" ? progress.images : Math.max(progress?.images ?? 0, estimate.images ?? 0));

/** @param {FollowedBatch} batch */
const finished = ({ progress }) => (progress ? progress.done + progress.failed : 0);

/** @param {FollowedBatch} batch */
const share = (batch) => finished(batch) / Math.max(1, total(batch));

/** @param {FollowedBatch} batch */
function progressText(batch) {
  const { progress } = batch;
  const labels = text.batches.progress;
  if (!progress) return "";
  const [failed, running] = [progress.failed, progress.running].map(count);
  return [
    labels.done(count(finished(batch)), count(total(batch))),
    progress.running > 0 && labels.running(running),
    progress.failed > 0 && labels.failed(failed),
  ].filter(Boolean).join(" · ");
}

/**
 * @param {FollowedBatch} batch
 * @returns {Child[]}
 */
function progressView(batch) {
  if (batch.status === "ended" || !batch.progress) return [];
  const bar = element("progress", { max: Math.max(1, total(batch)), value: finished(batch), "aria-label": text.batches.progress.name });
  return [element("div", { className: "batch-progress" }, bar, element("p", {}, progressText(batch)))];
}

/** @param {FollowedBatch} batch */
function facts(batch) {
  const labels = text.batches.facts;
  return element(
    "dl",
    { className: "facts" },
    fact(labels.source, sourceText(batch)),
    fact(labels.started, dateTime(batch.requested_at)),
    fact(labels.by, userText(batch.requested_by)),
    fact(labels.estimate, estimateText(batch.estimate)),
    fact(labels.concurrency, count(batch.concurrency)),
    fact(labels.passes, count(batch.passes)),
    fact(labels.name, element("code", {}, batch.name)),
  );
}
