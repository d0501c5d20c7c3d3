// @ts-check
/** Limits of the API (chalicelib/limits.py and chalicelib/retraining/request.py); tests/unit/frontend/test_limits.py compares them. */

/** Bytes of one image file. */
export const MAX_FILE_BYTES = 200_000_000;

/** Characters of a comment or a reason. */
export const MAX_TEXT = 1_000;

/** The largest `limit` of a page of results. */
export const MAX_PAGE_SIZE = 200;

/** Tuning trials of a retraining. */
export const DEFAULT_TRIALS = 8;
export const MIN_TRIALS = 2;
export const MAX_TRIALS = 100;

/** Parts of a batch that are worked on at the same time. */
export const DEFAULT_CONCURRENCY = 4;
export const MAX_CONCURRENCY = 100;
