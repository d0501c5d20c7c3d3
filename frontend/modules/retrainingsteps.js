// @ts-check
/** The steps of a retraining, with the time that each took. */
import { serverText, element } from "./dom.js";
import { dateTime, span } from "./format.js";
import { text } from "./text.js";

/** @import { State } from "./modeltypes.js" */

/** Choice states do no work. */
const isChoice = (/** @type {State} */ { name }) => name.endsWith("?");

/**
 * Each step once, even if a retraining returned to it while waiting, in order of its first start.
 * @param {State[]} states
 * @returns {State[]}
 */
export function steps(states) {
  /** @type {Map<string, State>} */
  const found = new Map();
  for (const state of states.filter((one) => !isChoice(one))) {
    const before = found.get(state.name);
    found.set(state.name, { ...state, entered_at: before?.entered_at ?? state.entered_at });
  }
  return [...found.values()];
}

/** @param {string} name of a state */
export const stepName = (name) => text.modelPages.steps[name] ?? name;

/**
 * @param {State[]} states
 * @param {boolean} running
 */
export function stepList(states, running) {
  const labels = text.modelPages.retrainings;
  const all = steps(states);
  const rows = all.map((state, index) => {
    const now = running && index === all.length - 1;
    const took = state.exited_at && span(Date.parse(state.exited_at) - Date.parse(state.entered_at));
    const row = element(
      "li",
      {},
      text.modelPages.steps[state.name] ?? serverText(state.name),
      element("span", { className: "soft" }, ` ${dateTime(state.entered_at)}`, took && ` · ${took}`),
      now && element("span", { className: "chip running" }, labels.now),
    );
    if (now) row.setAttribute("aria-current", "step");
    row.classList.toggle("bad", state.name.endsWith("Failed"));
    return row;
  });
  return rows.length ? element("ol", { className: "steps" }, ...rows) : element("p", { className: "soft" }, labels.noSteps);
}
