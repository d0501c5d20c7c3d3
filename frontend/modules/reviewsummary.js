// @ts-check
/** Reviews and other readings as text. */
import { element } from "./dom.js";
import { count, dateTime } from "./format.js";
import { isMe } from "./permissions.js";
import { classText } from "./tasks.js";
import { text } from "./text.js";

/** @import { Result, Review, Task } from "./types.js" */

/** The reviewer where there is no login, as on a local installation. */
const LOCAL = "local";

/** What a reading can say of how it was made. */
const MARKS = /** @type {const} */ (["blind", "adjudication", "withdrawn"]);

/** Digits of a reviewer's id that are shown where there is no name. */
const SHORT_ID = 8;

/**
 * Class, time and reviewer.
 * @param {Review | null} review
 * @param {Result} result
 * @param {Task | undefined} task
 * @returns {(Node | string)[]}
 */
export function summarize(review, { label }, task) {
  if (!review) return [text.review.none];
  const when = `${dateTime(review.reviewed_at)}, ${who(review)}`;
  if (review.adjudication) return [`${text.reading.settled} `, classText(task, review.label), ` · ${when}`];
  if (review.label === label) return [text.review.confirmed(when)];
  return [`${text.review.corrected} `, classText(task, review.label), ` · ${when}`];
}

/**
 * All readings, the newest first, if there are more than the review.
 * @param {Result} result
 * @param {Task | undefined} task
 * @returns {Node[]}
 */
export function describeReadings({ review, readings = [] }, task) {
  if (readings.length === 0 || (readings.length === 1 && review)) return [];
  const rows = readings.toReversed().map((reading) =>
    element(
      "li",
      {},
      classText(task, reading.label),
      ` · ${dateTime(reading.reviewed_at)}, ${who(reading)}`,
      reading.reviewed_at === review?.reviewed_at && ` · ${text.review.counts}`,
      ...MARKS.map((mark) => reading[mark] && ` · ${text.reading.marks[mark]}`),
      reading.comment && element("span", { className: "said" }, reading.comment),
    ),
  );
  return [
    element("details", { className: "readings" }, element("summary", {}, text.review.readings(count(readings.length))), element("ol", {}, ...rows)),
  ];
}

/**
 * Whether a review is one's own; without login, all are.
 * @param {Review | null} review
 */
export const isMine = (review) => review !== null && (isMe(review.reviewer) || !review.reviewer || review.reviewer === LOCAL);

/**
 * @param {Pick<Review, "reviewer" | "reviewer_name">} reading
 */
export function who({ reviewer, reviewer_name: name }) {
  if (isMe(reviewer)) return text.review.byYou;
  return reviewer && reviewer !== LOCAL ? text.review.by(name ?? reviewer.slice(0, SHORT_ID)) : text.review.here;
}
