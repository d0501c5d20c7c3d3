// @ts-check
/** The form that starts a retraining. */
import { announce } from "./announcer.js";
import { Problem } from "./api.js";
import { element, fill } from "./dom.js";
import { keepDraft, keepTyped } from "./drafts.js";
import { HyperparameterFields } from "./hyperparameters.js";
import { DEFAULT_TRIALS, MAX_TEXT, MAX_TRIALS, MIN_TRIALS } from "./limits.js";
import { startRetraining } from "./modelapi.js";
import { retrainingAddress, deferredNavigation } from "./router.js";
import { note } from "./sheet.js";
import { text } from "./text.js";

/** @import { RetrainingRequest } from "./modeltypes.js" */
/** @import { TrainingDataView } from "./trainingdata.js" */
/** @import { Task } from "./types.js" */

const CHOICES = /** @type {const} */ (["approval", "force", "spot"]);

/**
 * @param {Task} task
 * @param {TrainingDataView} data
 */
export function retrainingForm(task, data) {
  const labels = text.modelPages.retrainings;
  // A model that nobody has looked at should be the exception.
  const choices = CHOICES.map((name) => ({ name, input: checkbox(name === "approval") }));
  const tune = checkbox();
  const trials = element("input", { type: "number", id: "trials", min: MIN_TRIALS, max: MAX_TRIALS, value: DEFAULT_TRIALS, required: true });
  const trialsRow = element("p", { className: "field", hidden: true }, element("label", { htmlFor: trials.id }, labels.trials), trials);
  const reason = element("input", { type: "text", id: "retraining-reason", maxLength: MAX_TEXT, autocomplete: "off" });
  const draft = `reason/${task.name}`;
  keepTyped(reason, draft);
  const hyperparameters = new HyperparameterFields();
  const problem = element("div");
  const start = element("button", { className: "primary" }, labels.start);

  const showTrials = () => {
    trialsRow.hidden = !tune.checked;
    trials.disabled = !tune.checked;
  };
  tune.addEventListener("change", showTrials);
  showTrials();

  const form = element(
    "form",
    { className: "start-form" },
    ...choices.map(({ name, input }) => labelled(input, labels.choices[name])),
    labelled(tune, labels.tune),
    trialsRow,
    hyperparameters.element,
    element("p", { className: "field" }, element("label", { htmlFor: reason.id }, labels.reasonField), reason),
    problem,
    element("p", {}, start),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    fill(problem);
    if (data.obstacle) {
      fill(problem, note(new Problem(data.obstacle)));
      return;
    }
    start.disabled = true;
    const proceed = deferredNavigation();
    try {
      const { name } = await startRetraining(requestBody());
      keepDraft(draft, null);
      announce(labels.begun);
      proceed(retrainingAddress(name));
    } catch (error) {
      fill(problem, note(error));
    } finally {
      start.disabled = false;
    }
  });
  return form;

  /** @returns {RetrainingRequest} */
  function requestBody() {
    const chosen = choices.filter(({ input }) => input.checked).map(({ name }) => [name, true]);
    const values = hyperparameters.values();
    return {
      task: task.name,
      ...Object.fromEntries(chosen),
      ...(tune.checked ? { tune: Number(trials.value) } : {}),
      ...(Object.keys(values).length ? { hyperparameters: values } : {}),
      ...(reason.value.trim() ? { reason: reason.value.trim() } : {}),
    };
  }
}

const checkbox = (checked = false) => element("input", { type: "checkbox", checked });

/**
 * @param {HTMLInputElement} input
 * @param {string} label
 */
const labelled = (input, label) => element("p", {}, element("label", { className: "checkbox" }, input, " ", label));
