// @ts-check
/** What a batch would take, in words. */
import { count, span } from "./format.js";
import { locale, text } from "./text.js";

/** @import { BatchEstimate } from "./batchtypes.js" */

/** Less than this is not told apart. */
const CENT = 0.01;

/** @param {BatchEstimate} estimate */
export function estimateText({ images, complete, dollars, seconds, transform }) {
  const labels = text.batches.estimated;
  if (images === null || dollars === null || seconds === null) return labels.unknown;
  const costs = dollars < CENT ? labels.under(money(CENT)) : labels.about(money(dollars));
  const sentence = labels.sentence(labels.images(count(images), images, complete), costs, span(Math.max(1, seconds) * 1_000));
  return transform ? `${sentence} · ${labels.transform}` : sentence;
}

/** @param {number} dollars */
const money = (dollars) => new Intl.NumberFormat(locale, { style: "currency", currency: "USD" }).format(dollars);
