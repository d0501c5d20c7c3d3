// @ts-check
/** What can be done with several selected rows of the worklist at once. */
import { fetchResult, saveReview } from "./api.js";
import { hasRole } from "./permissions.js";
import { isTransient } from "./retry.js";
import { forgetChange, lastChangeOf, recordChange, revert } from "./reviewchanges.js";
import { text } from "./text.js";

/** @import { Result, Selection } from "./types.js" */

/**
 * @typedef {object} RowAction
 * @property {(number: string) => string} name of its button
 * @property {(number: string) => string} done what it has done with so many
 * @property {(result: Result) => boolean} applies whether it can be done with a result
 * @property {(selection: Selection) => boolean} [offered] whether it makes sense in a list; in all without
 * @property {(result: Result, undoAll: () => Promise<void>) => Promise<Result>} act
 * @property {((changed: Result) => Promise<Result>) | null} undo null for what is final
 * @property {(number: number, act: () => void) => void} [ask] asks before, and then acts
 */

/** Confirm the model's class of results that nobody has reviewed yet. @type {RowAction} */
const confirm = {
  name: (number) => text.rowSelection.confirm(number),
  done: (number) => text.rowSelection.confirmed(number),
  applies: ({ status, concealed, review }) => status === "classified" && !concealed && !review,
  async act({ id, label, review }, undoAll) {
    const result = await saveReview(id, label ?? "", "", { seen: review ?? null });
    recordChange(result, review ?? null, undoAll);
    return result;
  },
  async undo(changed) {
    const change = lastChangeOf(changed);
    // It was undone by itself.
    if (!change) return fetchResult(changed.id);
    return revert(change).catch((error) => {
      if (!isTransient(error)) forgetChange(change);
      throw error;
    });
  },
};

/** What the user may do. The module of administrators is loaded only for them. */
export const rowActions = async () => [confirm, ...(hasRole("admin") ? (await import("./removal.js")).REMOVALS : [])];
