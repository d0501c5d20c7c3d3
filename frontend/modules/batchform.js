// @ts-check
/** The form that starts a batch: it tells the costs first. */
import { announce } from "./announcer.js";
import { Problem } from "./api.js";
import { startBatch } from "./batchapi.js";
import { bucketAddress } from "./deployment.js";
import { element, fill } from "./dom.js";
import { estimateText } from "./batchestimate.js";
import { DEFAULT_CONCURRENCY, MAX_CONCURRENCY } from "./limits.js";
import { batchAddress, deferredNavigation } from "./router.js";
import { note } from "./sheet.js";
import { text } from "./text.js";

/** @import { BatchKind, BatchRequest, StartedBatch } from "./batchtypes.js" */
/** @import { Task } from "./types.js" */

/** Where archived images lie, and all that names them; as in chalicelib/batches/locations.py. */
const ARCHIVE = "archive/";

/** How each kind of source ends, as in chalicelib/batches/request.py. @type {Record<BatchKind, string>} */
const ENDINGS = { folder: "/", list: ".csv", inventory: "/manifest.json", again: "" };

const KINDS = /** @type {BatchKind[]} */ (Object.keys(ENDINGS));

/** @param {Task} task */
export function batchForm(task) {
  const labels = text.batches;
  const choices = KINDS.map((kind) => ({ kind, input: element("input", { type: "radio", name: "batch-kind", value: kind, checked: kind === KINDS[0] }) }));
  const source = element("input", { type: "text", id: "batch-source", value: ARCHIVE, required: true, autocomplete: "off", spellcheck: false, "aria-describedby": "batch-source-help" });
  const sourceLabel = element("label", { htmlFor: source.id });
  const help = element("span", { id: "batch-source-help", className: "small-print" });
  const sourceRow = element("p", { className: "field" }, sourceLabel, source, help);
  const again = element("p", { className: "small-print" }, labels.again);
  const concurrency = element("input", { type: "number", id: "batch-concurrency", min: 1, max: MAX_CONCURRENCY, value: DEFAULT_CONCURRENCY, required: true, "aria-describedby": "batch-concurrency-help" });
  const answer = element("div");
  const estimate = element("button", { className: "secondary" }, labels.estimate);

  const form = element(
    "form",
    { className: "start-form batch-form" },
    element(
      "fieldset",
      {},
      element("legend", {}, labels.which),
      ...choices.map(({ kind, input }) => element("label", { className: "checkbox" }, input, " ", labels.kinds[kind])),
    ),
    sourceRow,
    again,
    element(
      "p",
      { className: "field" },
      element("label", { htmlFor: concurrency.id }, labels.concurrency),
      concurrency,
      element("span", { id: "batch-concurrency-help", className: "small-print" }, labels.concurrencyHelp),
    ),
    element("p", {}, estimate),
    answer,
  );
  form.addEventListener("input", describe);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(estimate, async () => {
      const request = requested();
      offer(request, await startBatch(request, { dry: true }));
    });
  });
  describe();
  return form;

  /** What is wanted has changed, so that an earlier estimate does not hold. */
  function describe() {
    const kind = chosen();
    sourceRow.hidden = source.disabled = kind === "again";
    again.hidden = kind !== "again";
    if (kind !== "again") {
      sourceLabel.textContent = labels.sources[kind];
      help.textContent = labels.help[kind](bucketAddress(ARCHIVE));
    }
    fill(answer);
  }

  function chosen() {
    return choices.find(({ input }) => input.checked)?.kind ?? "folder";
  }

  /**
   * @returns {BatchRequest}
   * @throws {Problem} if the source is not of the chosen kind, which the server would take for another one
   */
  function requested() {
    const kind = chosen();
    const others = { task: task.name, concurrency: Number(concurrency.value) };
    if (kind === "again") return { ...others, again: true };
    const key = source.value.trim().replace(bucketAddress(""), "");
    const whole = kind === "folder" && !key.endsWith("/") ? `${key}/` : key;
    if (!whole.endsWith(ENDINGS[kind])) throw new Problem(labels.wrongEnding(whole, ENDINGS[kind]));
    return { ...others, source: whole };
  }

  /**
   * Show what a batch would take, with the button that starts it.
   * @param {BatchRequest} request
   * @param {StartedBatch} estimated
   */
  function offer(request, { estimate: found }) {
    const start = element("button", { type: "button", className: "primary" }, labels.start);
    const problem = element("div");
    start.addEventListener("click", () =>
      attempt(start, async () => {
        const proceed = deferredNavigation();
        const { name } = await startBatch(request, { dry: false });
        announce(labels.started);
        proceed(batchAddress(name ?? ""));
      }, problem),
    );
    const told = estimateText(found);
    const sentence = element("p", { className: "result-sentence" }, told);
    fill(answer, element("div", { className: "verdict estimate" }, sentence, element("p", { className: "small-print" }, labels.caution), problem, element("p", {}, start)));
    answer.scrollIntoView({ block: "nearest" });
    announce(told);
  }

  /**
   * Do something, and show the error if it fails.
   * @param {HTMLButtonElement} button disabled meanwhile
   * @param {() => Promise<void>} act
   * @param {HTMLElement} [problem] where errors are shown
   */
  async function attempt(button, act, problem = answer) {
    button.disabled = true;
    fill(problem);
    try {
      await act();
    } catch (error) {
      fill(problem, note(error));
    } finally {
      button.disabled = false;
    }
  }
}
