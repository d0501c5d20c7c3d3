// @ts-check
/** What the worklist shows: the reader's choices, and the selection that the API is asked for. */
import { byId, element, fill } from "./dom.js";
import { count } from "./format.js";
import { text } from "./text.js";

/** @import { Result, Selection, Task } from "./types.js" */

/** What "show" can be, as the API's parameters. */
const SHOWN = /** @type {Record<string, Partial<Selection>>} */ ({
  everything: {},
  "to-review": { status: "classified", needs_review: true, reviewed: false },
  "needs-review": { status: "classified", needs_review: true },
  "not-reviewed": { status: "classified", reviewed: false },
  reviewed: { status: "classified", reviewed: true },
  unreadable: { status: "quarantined" },
  waiting: { status: "received" },
});

export class Filters {
  /** @param {() => void} onChange */
  constructor(onChange) {
    this.form = byId("filters", HTMLFormElement);
    this.shown = byId("filter-show", HTMLSelectElement);
    this.label = byId("filter-label", HTMLSelectElement);
    this.from = byId("filter-from", HTMLInputElement);
    this.to = byId("filter-to", HTMLInputElement);
    this.tasks = byId("filter-tasks", HTMLSelectElement);
    this.order = byId("filter-order", HTMLSelectElement);
    this.more = byId("more-filters", HTMLElement);
    /** @type {Task | null} */
    this.task = null;
    /** What was sorted last: rows are shown far more often than results change. */
    this.sorted = { of: /** @type {Result[]} */ ([]), results: /** @type {Result[]} */ ([]) };
    this.form.addEventListener("change", () => {
      this.describe();
      onChange();
    });
    this.form.addEventListener("reset", () => {
      // The fields are emptied after this event.
      setTimeout(() => {
        this.describe();
        onChange();
      });
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.translate();
  }

  /** Fill what can be chosen, keeping what is. */
  translate() {
    fillChoices(this.shown, text.filters.shown);
    fillChoices(this.tasks, text.filters.tasks);
    fillChoices(this.order, text.filters.orders);
    this.offerClasses();
    this.describe();
  }

  /** @param {Task} task */
  follow(task) {
    this.task = task;
    this.label.value = "";
    this.offerClasses();
    this.describe();
  }

  offerClasses() {
    const titles = (this.task?.classes ?? []).map(({ name, title }) => /** @type {const} */ ([name, title]));
    fillChoices(this.label, { "": text.filters.anyClass, ...Object.fromEntries(titles) });
  }

  /** @returns {Selection} */
  selection() {
    return {
      task: this.tasks.value === "all" ? null : (this.task?.name ?? null),
      label: this.tasks.value === "all" ? null : this.label.value || null,
      status: null,
      needs_review: null,
      reviewed: null,
      ...SHOWN[this.shown.value],
      ...this.days(),
      order: this.order.value === "oldest" ? "oldest" : "newest",
    };
  }

  /** From the one day to the other, in whichever order they were entered. */
  days() {
    const [first, last] = [this.from.value, this.to.value];
    const turned = first && last && first > last;
    return { from: startOfDay(turned ? last : first, 0), to: startOfDay(turned ? first : last, 1) };
  }

  /**
   * The results in the order asked for; the API itself knows only time.
   * @param {Result[]} results
   */
  sort(results) {
    if (this.order.value !== "least-sure") return results;
    if (this.sorted.of !== results) this.sorted = { of: results, results: leastSureFirst(results) };
    return this.sorted.results;
  }

  /** Whether results are left out. */
  get narrow() {
    const { label, status, needs_review, reviewed, from, to } = this.selection();
    return [label, status, needs_review, reviewed, from, to].some((wanted) => wanted !== null);
  }

  get sortsLoaded() {
    return this.order.value === "least-sure";
  }

  /** Say how many filters are set where they cannot be seen. */
  describe() {
    this.label.disabled = this.tasks.value === "all";
    const label = !this.label.disabled && this.label.value;
    const set = [label, this.from.value, this.to.value, this.tasks.value === "all", this.order.value !== "newest"];
    const number = set.filter(Boolean).length;
    this.more.textContent = number ? text.filters.moreSet(count(number)) : text.filters.more;
  }
}

/** More than results that a list ever holds, and so few that a probability fits beside it into a number's 53 bits. */
const LOCATIONS = 2 ** 24;

/**
 * Of equal ones, the first comes first. A hundred thousand numbers are sorted ten times faster than as many objects.
 * @param {Result[]} results
 */
function leastSureFirst(results) {
  const keys = Float64Array.from(results, ({ probability }, place) => Math.round((probability ?? 2) * 1e6) * LOCATIONS + place);
  return Array.from(keys.sort(), (key) => results[key % LOCATIONS]);
}

/**
 * @param {HTMLSelectElement} select
 * @param {Record<string, string>} choices words by value; the first is chosen at first
 */
function fillChoices(select, choices) {
  const chosen = select.value;
  const options = Object.entries(choices).map(([value, words]) => element("option", { value }, words));
  // What a reset of the form comes back to.
  options[0].defaultSelected = true;
  fill(select, ...options);
  select.value = chosen in choices ? chosen : Object.keys(choices)[0];
}

/**
 * Midnight here, as the API wants it.
 * @param {string} day such as 2026-11-21; empty for none
 * @param {number} later days
 * @returns {string | null}
 */
function startOfDay(day, later) {
  if (!day) return null;
  const [year, month, date] = day.split("-").map(Number);
  const moment = new Date(year, month - 1, date + later);
  return Number.isNaN(moment.getTime()) ? null : moment.toISOString();
}
