// @ts-check
/** Form fields for hyperparameters that differ from the task's recipe. The API describes which there are. */
import { serverText, element, fill } from "./dom.js";
import { decimal } from "./format.js";
import { fetchHyperparameters } from "./modelapi.js";
import { note } from "./sheet.js";
import { text } from "./text.js";

/** @import { Hyperparameter } from "./modeltypes.js" */

export class HyperparameterFields {
  constructor() {
    const labels = text.modelPages.hyperparameters;
    this.choice = element("select", { id: "hyperparameter" });
    this.rows = element("div");
    this.problem = element("div");
    this.element = element(
      "details",
      {},
      element("summary", {}, labels.heading),
      element("p", { className: "soft" }, labels.meaning),
      this.rows,
      this.problem,
      element("p", { className: "field" }, element("label", { htmlFor: this.choice.id }, labels.add), this.choice),
    );
    /** @type {Record<string, Hyperparameter>} */
    this.known = {};
    /** @type {Map<string, HTMLInputElement | HTMLSelectElement>} */
    this.fields = new Map();
    this.element.addEventListener("toggle", () => this.load(), { once: true });
    this.choice.addEventListener("change", () => this.add(this.choice.value));
  }

  /** Loaded on first opening: most users keep to the recipe. */
  async load() {
    try {
      this.known = await fetchHyperparameters();
      fill(this.problem);
      this.offer();
    } catch (error) {
      fill(this.problem, note(error, () => this.load()));
    }
  }

  /** Offer the hyperparameters that have no field yet. */
  offer() {
    const left = Object.keys(this.known).filter((name) => !this.fields.has(name));
    fill(
      this.choice,
      element("option", { value: "" }, text.modelPages.hyperparameters.choose),
      ...left.map((name) => element("option", { value: name }, name)),
    );
  }

  /** @param {string} name */
  add(name) {
    if (!this.known[name]) return;
    const field = makeField(name, this.known[name]);
    const { remove: label, removeOne } = text.modelPages.hyperparameters;
    const remove = element("button", { type: "button", className: "quiet", "aria-label": removeOne(name) }, label);
    const row = element(
      "div",
      { className: "hyperparameter" },
      element("label", { htmlFor: field.id }, element("code", {}, name)),
      field,
      remove,
      element(
        "p",
        { className: "small-print", id: `${field.id}-meaning` },
        text.hyperparameterMeanings[name] ?? serverText(this.known[name].description),
        boundsText(this.known[name]),
      ),
    );
    remove.addEventListener("click", () => {
      row.remove();
      this.fields.delete(name);
      this.offer();
      this.choice.focus();
    });
    this.rows.append(row);
    this.fields.set(name, field);
    this.offer();
    field.focus();
  }

  /** @returns {Record<string, string | number>} */
  values() {
    return Object.fromEntries(
      [...this.fields].map(([name, field]) => {
        const { type } = this.known[name];
        return [name, type === "string" ? field.value : Number(field.value)];
      }),
    );
  }
}

/**
 * @param {string} name
 * @param {Hyperparameter} hyperparameter
 */
function makeField(name, { type, minimum, maximum, enum: choices }) {
  const properties = { id: `hyperparameter-${name}`, "aria-describedby": `hyperparameter-${name}-meaning` };
  if (choices) {
    return element("select", properties, ...choices.map((value) => element("option", { value: String(value) }, String(value))));
  }
  const step = type === "integer" ? "1" : "any";
  return element("input", { ...properties, type: "number", required: true, step, min: String(minimum), max: String(maximum) });
}

/** @param {Hyperparameter} hyperparameter */
function boundsText({ minimum, maximum }) {
  if (minimum === undefined || maximum === undefined) return "";
  return ` ${text.modelPages.hyperparameters.bounds(small(minimum), small(maximum))}`;
}

/** Shows small bounds such as 0.000001 in full. @param {number} value */
const small = (value) => (value !== 0 && Math.abs(value) < 0.1 ? String(value) : decimal(value));
