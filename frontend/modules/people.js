// @ts-check
/** A task's model compared with the people who review its answers, and the review rule. */
import { whenLoaded } from "./api.js";
import { addStyles, element, fill } from "./dom.js";
import { confusionMatrix } from "./confusionmatrix.js";
import { count, dateTime, wholePercent } from "./format.js";
import { fetchFacts, fetchReviewRule, fetchReviewStatistics } from "./modelapi.js";
import { hasRole } from "./permissions.js";
import { proportionCell } from "./proportions.js";
import { calibration, weeks } from "./reviewcharts.js";
import { reviewRule } from "./reviewrule.js";
import { modelsAddress } from "./router.js";
import { startOfDay } from "./selection.js";
import { part } from "./sheet.js";
import { tableBox } from "./table.js";
import { classText, taskText } from "./tasks.js";
import { loadTextsOf, text } from "./text.js";

/** @import { Child } from "./dom.js" */
/** @import { GroupName, ReviewStatistics } from "./modeltypes.js" */
/** @import { Page } from "./modelpages.js" */
/** @import { Task } from "./types.js" */

/** The value of "needs_review" of the worklist for each group. @type {Record<GroupName, string | null>} */
const MARKED = { all: null, marked: "true", unmarked: "false" };
const GROUPS = /** @type {GroupName[]} */ (Object.keys(MARKED));

await Promise.all([loadTextsOf("people"), addStyles("people")]);

/**
 * @param {Task} task
 * @param {Page} page
 */
export function showPeople(task, page) {
  const labels = text.people;
  const model = element("select", { id: "people-model" });
  const from = element("input", { type: "date", id: "people-from" });
  const to = element("input", { type: "date", id: "people-to" });
  const [comparison, agreement, ruleBox] = [element("div"), element("div"), element("div")];
  const controls = element(
    "form",
    { className: "people-controls" },
    field(labels.model, model),
    field(labels.from, from),
    field(labels.to, to),
  );
  offerVersions(model, task, []);
  page.sheet.show({
    heading: element("span", {}, labels.heading, taskText(task)),
    trail: [element("a", { href: modelsAddress(task.name) }, text.modelPages.models.heading, taskText(task))],
    content: [
      element("p", {}, labels.what),
      controls,
      comparison,
      agreement,
      element("h3", { id: "review-rule" }, labels.rule.heading),
      ruleBox,
    ],
    focus: page.focus,
  });
  const show = () => {
    fill(comparison, part(() => compare()));
    if (hasRole("reviewer")) fill(agreement, part(() => compareReaders()));
  };
  controls.addEventListener("change", show);
  controls.addEventListener("submit", (event) => event.preventDefault());
  show();
  fill(ruleBox, part(() => rule(task, page)));

  function chosen() {
    return { model: model.value, from: startOfDay(from.value, 0), to: startOfDay(to.value, 1) };
  }

  async function compareReaders() {
    const { describeAgreement } = await whenLoaded(import("./agreement.js"));
    return [element("h3", {}, text.agreement.heading), ...(await describeAgreement(task.name, chosen()))];
  }

  async function compare() {
    for (const day of [from, to]) day.parentElement?.classList.toggle("unset", !day.value);
    const statistics = await fetchReviewStatistics(task.name, chosen());
    offerVersions(model, task, statistics.models.map(({ version }) => version));
    const filters = { from: from.value, to: to.value, model: model.value };
    return describe(task, statistics, Object.fromEntries(Object.entries(filters).filter(([, value]) => value)));
  }
}

/**
 * @param {Task} task
 * @param {Page} page
 */
async function rule(task, page) {
  if (!task.model) return [element("p", { className: "soft" }, text.tasks.noModel)];
  const current = await fetchReviewRule(task.name);
  const [facts, statistics] = await Promise.all([
    current.version ? fetchFacts(task.name, current.version) : null,
    fetchReviewStatistics(task.name, { model: current.version }),
  ]);
  const onChange = () => {
    page.onModelChange();
    showPeople(task, { ...page, focus: true });
  };
  return reviewRule(task, current, facts, statistics, onChange);
}

/**
 * @param {string} label
 * @param {HTMLSelectElement | HTMLInputElement} input
 */
const field = (label, input) => element("p", { className: "field" }, element("label", { htmlFor: input.id }, label), input);

/**
 * Offer the version in use, those with answers, and all together; keep the chosen one.
 * @param {HTMLSelectElement} select
 * @param {Task} task
 * @param {string[]} answered
 */
function offerVersions(select, task, answered) {
  const labels = text.people;
  const current = task.model?.version ?? "";
  const chosen = select.options.length ? select.value : current;
  const versions = [...new Set([current, ...answered, chosen])].filter(Boolean);
  const title = (/** @type {string} */ version) => (version === current ? labels.inUse(version) : version);
  const options = versions.map((version) => element("option", { value: version }, title(version)));
  fill(select, ...options, element("option", { value: "" }, labels.allVersions));
  select.value = chosen;
}

/**
 * @param {Task} task
 * @param {ReviewStatistics} statistics
 * @param {Record<string, string>} filters of the worklist that select the same images
 * @returns {Child[]}
 */
function describe(task, statistics, filters) {
  const labels = text.people;
  const oldest = statistics.counted_from;
  const incomplete = !statistics.complete && element("p", { className: "verdict review" }, labels.incomplete(oldest ? dateTime(oldest) : "–"));
  if (statistics.all.agreement.of === 0) {
    return [incomplete, element("p", { className: "soft" }, labels.none(count(statistics.all.answers), statistics.all.answers))];
  }
  const rows = GROUPS.map((name) => {
    const { answers, agreement } = statistics[name];
    const share = answers ? wholePercent(agreement.of / answers) : "–";
    return [[labels.groups[name]], [count(answers)], [labels.reviewedOf(count(agreement.of), share)], proportionCell(agreement)];
  });
  const group = element("select", { id: "people-group" }, ...GROUPS.map((value) => element("option", { value }, labels.groups[value])));
  const details = element("div");
  const show = () => {
    const name = /** @type {GroupName} */ (group.value);
    const marked = MARKED[name];
    fill(details, ...inDetail(task, statistics, name, marked === null ? filters : { ...filters, needs_review: marked }));
  };
  group.addEventListener("change", show);
  show();
  return [
    incomplete,
    tableBox([labels.group, labels.answers, labels.reviewed, labels.agreement], rows),
    element("p", { className: "verdict review" }, labels.bias),
    statistics.outdated > 0 && element("p", { className: "small-print" }, labels.outdated(count(statistics.outdated), statistics.outdated)),
    element("p", { className: "field" }, element("label", { htmlFor: group.id }, labels.detailsOf), group),
    details,
  ];
}

/**
 * @param {Task} task
 * @param {ReviewStatistics} statistics
 * @param {GroupName} name
 * @param {Record<string, string>} filters
 * @returns {Child[]}
 */
function inDetail(task, statistics, name, filters) {
  const labels = text.people;
  const group = statistics[name];
  if (group.agreement.of === 0) return [element("p", { className: "soft" }, labels.noneInGroup)];
  const found = group.finding ? [[[labels.finding], proportionCell(group.finding.sensitivity), proportionCell(group.finding.specificity)]] : [];
  const classes = group.per_class.map((known) => [
    [classText(task, known.name)],
    proportionCell(known.sensitivity),
    proportionCell(known.specificity),
  ]);
  return [
    element("h3", {}, labels.confusion.heading),
    element("p", {}, labels.confusion.meaning),
    confusionMatrix(task, statistics.classes, group, filters),
    element(
      "div",
      { className: "columns" },
      element(
        "div",
        {},
        element("h3", {}, labels.perClass),
        tableBox([labels.className, labels.sensitivity, labels.specificity], [...classes, ...found]),
        element("p", { className: "small-print" }, labels.intervals),
        element("h3", {}, labels.weeks.heading),
        ...weeks(group),
      ),
      element("div", {}, element("h3", {}, labels.calibration.heading), ...calibration(group)),
    ),
  ];
}
