// @ts-check
/** The button with which an administrator stops a retraining, until its model is being deployed. */
import { announce } from "./announcer.js";
import { ask } from "./confirmation.js";
import { element } from "./dom.js";
import { stopRetraining } from "./modelapi.js";
import { hasRole } from "./permissions.js";
import { text } from "./text.js";

/** @import { FollowedRetraining } from "./modeltypes.js" */

/** The state with which the deployment begins, as in chalicelib/retraining/stopper.py. */
const DEPLOYING = "Endpoint required?";

/** @param {FollowedRetraining} retraining */
export const canStop = ({ status, states }) => status === "running" && hasRole("admin") && !states.some(({ name }) => name === DEPLOYING);

/**
 * @param {FollowedRetraining} retraining
 * @param {() => void} onStop
 */
export function stopButton({ name }, onStop) {
  const labels = text.modelPages.stop;
  const question = {
    heading: labels.question,
    consequences: [labels.jobs, labels.model, labels.final],
    action: labels.stop,
    act: async () => {
      await stopRetraining(name);
      announce(labels.stopped);
    },
    after: onStop,
  };
  return element("p", {}, element("button", { type: "button", className: "secondary", onclick: () => ask(question) }, labels.button));
}
