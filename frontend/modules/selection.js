// @ts-check
/** The API query that the filters of the worklist make up, and whether a result belongs to its answer. */
import { user } from "./permissions.js";
import { reads } from "./readingmode.js";

/** @import { Result, Review, Selection } from "./types.js" */

/** Stands for the current user. */
const ME = "me";

/** API parameters for each choice of "Show". */
const SHOWN = /** @type {Record<string, Partial<Selection>>} */ ({
  everything: {},
  "to-review": { status: "classified", needs_review: true, reviewed: false },
  "needs-review": { status: "classified", needs_review: true },
  "not-reviewed": { status: "classified", reviewed: false },
  reviewed: { status: "classified", reviewed: true },
  "not-read": { status: "classified", not_read_by: ME },
  read: { read_by: ME },
  "read-twice": { min_readers: 2 },
  disagreement: { disagreement: true },
  unreadable: { status: "quarantined" },
  waiting: { status: "received" },
  hidden: { hidden: true },
});

/**
 * @param {Record<string, string>} chosen values of the filters' fields, by their names in the address
 * @param {string | null} task
 * @param {Partial<Selection>} linked filters without a field
 * @returns {Selection}
 */
export function selectionOf({ show, label, search, from, to, tasks, order }, task, linked) {
  const shown = { ...SHOWN[show] };
  for (const name of /** @type {const} */ (["read_by", "not_read_by"])) if (shown[name] === ME) shown[name] = user();
  return {
    task: tasks === "all" ? null : task,
    label: tasks === "all" ? null : label || null,
    status: null,
    needs_review: null,
    reviewed: null,
    search: search.trim() || null,
    read_by: null,
    not_read_by: null,
    min_readers: null,
    disagreement: null,
    hidden: null,
    ...shown,
    // They would tell a blind reader the answer, or what others say.
    ...(reads("blind") ? { label: null, needs_review: null, search: null, disagreement: null } : linked),
    ...days(from, to),
    order: /** @type {Selection["order"]} */ (reads("blind") && isByProbability(order) ? "newest" : order),
  };
}

/**
 * The chosen days, in whichever order they were entered.
 * @param {string} first
 * @param {string} last
 */
function days(first, last) {
  const turned = first && last && first > last;
  return { from: startOfDay(turned ? last : first, 0), to: startOfDay(turned ? first : last, 1) };
}

/**
 * Local midnight, as the API expects it.
 * @param {string} day such as 2026-11-21; may be empty
 * @param {number} later days to add
 * @returns {string | null}
 */
export function startOfDay(day, later) {
  if (!day) return null;
  const [year, month, date] = day.split("-").map(Number);
  const moment = new Date(year, month - 1, date + later);
  return Number.isNaN(moment.getTime()) ? null : moment.toISOString();
}

/**
 * Whether a result that was created or changed here belongs to a list.
 * @param {Result} result
 * @param {Selection} selection
 */
export const isSelected = ({ id, task, label, model, status, needs_review, review, readers, disagreement, created_at, hidden }, selection) =>
  isOnShelf({ status, hidden }, selection) &&
  (selection.task === null || selection.task === task) &&
  (selection.label === null || selection.label === label) &&
  (selection.reviewed_label ?? review?.label) === review?.label &&
  (selection.model ?? model?.version) === model?.version &&
  (selection.status === null || selection.status === status) &&
  (selection.needs_review === null || selection.needs_review === needs_review) &&
  (selection.reviewed === null || selection.reviewed === Boolean(review)) &&
  (selection.read_by === null || readers.includes(selection.read_by)) &&
  (selection.not_read_by === null || !readers.includes(selection.not_read_by)) &&
  (selection.min_readers === null || readers.length >= selection.min_readers) &&
  (selection.disagreement === null || selection.disagreement === disagreement) &&
  (selection.search === null || matches(selection.search, id, label, review)) &&
  (status === "classified" || !isByProbability(selection.order)) &&
  (selection.from === null || Date.parse(created_at) >= Date.parse(selection.from)) &&
  (selection.to === null || Date.parse(created_at) < Date.parse(selection.to));

/**
 * Whether the server would find a text in a result.
 * @param {string} search
 * @param {string} id
 * @param {string | null} label
 * @param {Review | null} review
 */
function matches(search, id, label, review) {
  const wanted = search.toLowerCase();
  const slug = wanted.replaceAll(/\s+/g, "-");
  return [id, review?.comment, review?.reviewer, review?.reviewer_name].some((place) => place?.toLowerCase().includes(wanted)) ||
    [label, review?.label].some((place) => place?.includes(slug));
}

/** @param {string} order of a list */
export const isByProbability = (order) => order.endsWith("-sure");

/**
 * Whether a list of hidden, or of other results can hold this one.
 * @param {Pick<Result, "status" | "hidden">} result
 * @param {Selection} selection
 */
export const isOnShelf = ({ status, hidden }, selection) => status !== "deleted" && Boolean(hidden) === Boolean(selection.hidden);
