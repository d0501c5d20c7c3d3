// @ts-check
/** How often readers agree with each other and with the model, as tables. */
import { element } from "./dom.js";
import { count, dateTime, metric } from "./format.js";
import { fetchAgreement } from "./modelapi.js";
import { proportionCell } from "./proportions.js";
import { who } from "./reviewsummary.js";
import { tableBox } from "./table.js";
import { loadTextsOf, text } from "./text.js";

/** @import { Child } from "./dom.js" */
/** @import { Agreement } from "./modeltypes.js" */

await loadTextsOf("agreement");

/**
 * @param {string} task
 * @param {{model?: string | null, from?: string | null, to?: string | null}} wanted
 * @returns {Promise<Child[]>}
 */
export async function describeAgreement(task, wanted) {
  const labels = text.agreement;
  const found = await fetchAgreement(task, wanted);
  const incomplete =
    !found.complete && element("p", { className: "verdict review" }, labels.incomplete(found.counted_from ? dateTime(found.counted_from) : "–"));
  if (found.images === 0) return [incomplete, element("p", { className: "soft" }, labels.none)];
  return [
    incomplete,
    element("p", {}, labels.what(count(found.images))),
    found.readers.length ? table(found, "readers", labels.readers) : element("p", { className: "soft" }, labels.noPairs),
    table(found, "model", labels.withModel),
  ];
}

/**
 * @param {Agreement} found
 * @param {"readers" | "model"} pairs
 * @param {string} name
 */
function table(found, pairs, name) {
  const { pair, images, agreement, kappa, blind, model } = text.agreement;
  const named = (/** @type {string} */ reviewer) => who({ reviewer, reviewer_name: found.names[reviewer] });
  const rows = found[pairs].map(({ first, second, ...each }) => [
    [`${named(first)} – ${second === null ? model : named(second)}`],
    [count(each.agreement.of)],
    proportionCell(each.agreement),
    [each.kappa === null ? "–" : kappaText(each.kappa, each.low, each.high)],
    [count(each.blind)],
  ]);
  return tableBox([pair, images, agreement, kappa, blind], rows, name);
}

/**
 * @param {number} kappa
 * @param {number | null} low
 * @param {number | null} high
 */
const kappaText = (kappa, low, high) =>
  low === null || high === null ? metric(kappa) : text.modelPages.models.interval(metric(kappa), metric(low), metric(high));
