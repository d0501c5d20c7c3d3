// @ts-check
/** Hides and deletes results, one or many; loaded on first use, and for administrators only. */
import { notify } from "./announcer.js";
import { Problem, request } from "./api.js";
import { ask } from "./confirmation.js";
import { addStyles, element } from "./dom.js";
import { count, dateTime } from "./format.js";
import { hasRole, isMe } from "./permissions.js";
import { blinded } from "./readingmode.js";
import { resultAddress, taskAddress, deferredNavigation } from "./router.js";
import { loadTextsOf, text } from "./text.js";

/** @import { RowAction } from "./rowactions.js" */
/** @import { Result } from "./types.js" */
/** @import { Viewer } from "./viewer.js" */

await Promise.all([loadTextsOf("removal"), loadTextsOf("modelpages"), addStyles("removal")]);

/**
 * @param {string} method
 * @param {string} path
 * @returns {Promise<Result>}
 */
const send = async (method, path) => blinded(await (await request(`/results/${path}`, { method })).json());

/** @param {Result} result */
const hide = ({ id }) => send("PUT", `${encodeURIComponent(id)}/hidden`);

/** @param {Result} result */
const show = ({ id }) => send("DELETE", `${encodeURIComponent(id)}/hidden`);

/** @param {Result} result */
const remove = ({ id }) => send("DELETE", encodeURIComponent(id));

/**
 * Offer to hide or delete the open result, or say that it is hidden.
 * @param {Result} result
 * @param {Viewer} viewer
 */
export function offerRemoval(result, viewer) {
  if (result.hidden) viewer.panel.body.prepend(hiddenNotice(result, result.hidden, viewer));
  if (!hasRole("admin")) return;
  const labels = text.removal;
  const proceed = deferredNavigation();
  const next = () => proceed(afterwards(viewer));
  const buttons = element("p", { className: "actions" });
  if (!result.hidden) {
    buttons.append(
      element("button", { type: "button", onclick: () => attempt(hide, result, viewer, labels.hidden, next) }, labels.hideOne),
    );
  }
  const act = async () => viewer.worklist.add(await remove(result));
  const after = () => {
    notify(labels.deleted("1"));
    next();
  };
  const confirm = () => ask({ heading: labels.heading(1, "1"), consequences: labels.consequences, action: labels.deleteNow, act, after });
  buttons.append(element("button", { type: "button", className: "danger", onclick: confirm }, labels.deleteOne));
  viewer.panel.body.append(element("details", { className: "removal" }, element("summary", {}, labels.offer), element("p", {}, labels.hint), buttons));
}

/**
 * @param {Result} result
 * @param {NonNullable<Result["hidden"]>} hidden
 * @param {Viewer} viewer
 */
function hiddenNotice(result, { by, at }, viewer) {
  const labels = text.removal;
  const proceed = deferredNavigation();
  const again = () => attempt(show, result, viewer, labels.shown, () => proceed(resultAddress(result.id)));
  return element(
    "div",
    { className: "verdict review", id: "hidden-notice" },
    element("h3", {}, labels.isHidden),
    element("p", {}, labels.isHiddenMeaning, " ", isMe(by) ? labels.hiddenByMe(dateTime(at)) : labels.hiddenBy(by, dateTime(at))),
    hasRole("admin") && element("button", { type: "button", className: "secondary", onclick: again }, labels.show),
  );
}

/**
 * @param {(result: Result) => Promise<Result>} act
 * @param {Result} result
 * @param {Viewer} viewer
 * @param {string} done
 * @param {() => void} after
 */
async function attempt(act, result, viewer, done, after) {
  try {
    viewer.worklist.add(await act(result));
    notify(done);
    after();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    notify(error.message, { failed: true });
  }
}

/**
 * The address of what is beside the result that has left the list.
 * @param {Viewer} viewer
 */
const afterwards = ({ worklist: { next }, task }) => (next ? resultAddress(next.id) : taskAddress(task?.name ?? ""));

/** @param {Result} result */
const isFinished = ({ status }) => status !== "received";

/** What administrators can do with selected rows. @type {RowAction[]} */
export const REMOVALS = [
  {
    name: (number) => text.removal.hide(number),
    done: (number) => text.removal.hiddenMany(number),
    applies: (result) => isFinished(result) && !result.hidden,
    offered: ({ hidden }) => !hidden,
    act: hide,
    undo: show,
  },
  {
    name: (number) => text.removal.showMany(number),
    done: (number) => text.removal.shownMany(number),
    applies: ({ hidden }) => Boolean(hidden),
    offered: ({ hidden }) => Boolean(hidden),
    act: show,
    undo: hide,
  },
  {
    name: (number) => text.removal.delete(number),
    done: (number) => text.removal.deleted(number),
    applies: () => true,
    act: remove,
    undo: null,
    ask: (number, act) =>
      ask({
        heading: text.removal.heading(number, count(number)),
        consequences: text.removal.consequences,
        action: text.removal.deleteNow,
        act: async () => {}, // the bar of the selection shows the progress
        after: act,
      }),
  },
];
