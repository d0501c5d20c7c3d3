// @ts-check
/** The filters of the worklist. */
import { byId, element, fill, lazily } from "./dom.js";
import { hasNames, isNamed } from "./filenames.js";
import { count } from "./format.js";
import { preference } from "./preferences.js";
import { reads } from "./readingmode.js";
import { isByProbability, selectionOf } from "./selection.js";
import { text } from "./text.js";

/** @import { SavedViews, View } from "./savedviews.js" */
/** @import { Result, Selection, Task } from "./types.js" */

const loadViews = lazily(() => import("./savedviews.js"));
const loadLinked = lazily(() => import("./linkedfilters.js"));
/** Filters without a field, which links set; by their names in the address and in the API. */
const LINKED = /** @type {const} */ (["reviewed_label", "model", "needs_review"]);

/** What "Show" must not choose for a blind reader. */
const TELLING = new Set(["needs-review", "disagreement"]);

/** A pause in typing after which the server searches. */
const TYPING_MS = 400;

export class Filters {
  /**
   * @param {() => void} onChange
   * @param {() => void} onName called when only the wanted file name has changed, which the server does not know
   */
  constructor(onChange, onName) {
    this.form = byId("filters", HTMLFormElement);
    this.shown = byId("filter-show", HTMLSelectElement);
    this.label = byId("filter-label", HTMLSelectElement);
    this.from = byId("filter-from", HTMLInputElement);
    this.to = byId("filter-to", HTMLInputElement);
    this.tasks = byId("filter-tasks", HTMLSelectElement);
    this.order = byId("filter-order", HTMLSelectElement);
    this.search = byId("filter-search", HTMLInputElement);
    this.name = byId("filter-name", HTMLInputElement);
    this.nameField = byId("filter-name-field", HTMLElement);
    this.more = byId("more-filters", HTMLElement);
    /**
     * What the address holds, by its name there, so that a reload and a link keep it. The wanted file name is not among them: it
     * would be sent to the server.
     * @type {Record<string, HTMLSelectElement | HTMLInputElement>}
     */
    this.fields = {
      show: this.shown,
      search: this.search,
      label: this.label,
      from: this.from,
      to: this.to,
      tasks: this.tasks,
      order: this.order,
    };
    /** @type {Partial<Selection>} */
    this.linked = {};
    /** @type {Task | null} */
    this.task = null;
    const apply = () => {
      this.describe();
      this.keepInAddress();
      onChange();
    };
    let typing = 0;
    this.form.addEventListener("change", ({ target }) => target !== this.name && target !== this.search && apply());
    this.search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = window.setTimeout(apply, TYPING_MS);
    });
    this.name.addEventListener("input", () => {
      this.describe();
      onName();
    });
    this.form.addEventListener("reset", () => {
      // The fields are reset after this event.
      setTimeout(() => {
        this.linked = {};
        apply();
      });
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    /** @type {SavedViews | null} */
    this.views = null;
    /** The saved view that is to be shown when its task is there. @type {View | null} */
    this.coming = null;
    this.panel = byId("filter-panel", HTMLDetailsElement);
    this.panel.addEventListener("toggle", () => this.offerViews());
    this.form.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape" || !this.panel.open) return;
      this.panel.open = false;
      this.more.focus();
    });
    if (preference("views")) this.offerViews();
    this.translate();
    this.set(location.search);
    this.apply = apply;
    // An earlier entry of the history has the filters of its time.
    addEventListener("popstate", () => this.task && this.keepInAddress());
  }

  /** Load what saves and shows views, when the user has some or may want one. */
  async offerViews() {
    // Without them, the filters work as well.
    const module = await loadViews().catch(() => null);
    if (module) this.views ??= new module.SavedViews(this);
  }

  /** The filters in the form of a query, without those that filter nothing. */
  get query() {
    const set = Object.entries(this.fields).filter(([, field]) => field.value !== plain(field));
    const linked = Object.entries(this.linked).map(([name, value]) => [name, String(value)]);
    return new URLSearchParams([...set.map(([name, field]) => [name, field.value]), ...linked]).toString();
  }

  /**
   * Set all filters, as far as there are such values.
   * @param {string} query as from `query`
   */
  set(query) {
    const values = new URLSearchParams(query);
    for (const [name, field] of Object.entries(this.fields)) restore(field, values.get(name));
    this.linked = linked(values);
  }

  /** Write the filters into the address. */
  keepInAddress() {
    const query = new URLSearchParams(location.search);
    for (const name of [...Object.keys(this.fields), ...LINKED]) query.delete(name);
    for (const [name, value] of new URLSearchParams(this.query)) query.set(name, value);
    history.replaceState(history.state, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
  }

  /** Choose what is to be reviewed, as if the user had. */
  showUnreviewed() {
    this.form.reset();
    this.shown.value = "to-review";
  }

  /**
   * Fill the choices and keep the selected ones.
   * @param {Task | null} [task] the chosen task, with its titles in the new language
   */
  translate(task = this.task) {
    this.task = task;
    fillChoices(this.shown, text.filters.shown);
    this.shown.options[this.shown.length - 1].className = "admins-only";
    fillChoices(this.tasks, text.filters.tasks);
    fillChoices(this.order, text.filters.orders);
    this.offerClasses();
    this.describe();
  }

  /** @param {Task} task */
  follow(task) {
    const first = this.task === null;
    this.task = task;
    this.label.value = "";
    this.offerClasses();
    if (this.coming?.task === task.name) this.set(this.coming.query);
    else if (first) restore(this.label, new URLSearchParams(location.search).get("label"));
    else this.linked = {};
    this.coming = null;
    this.keepInAddress();
    this.describe();
  }

  offerClasses() {
    const titles = (this.task?.classes ?? []).map(({ name, title }) => /** @type {const} */ ([name, title]));
    fillChoices(this.label, { "": text.filters.anyClass, ...Object.fromEntries(titles) });
  }

  /** The API query. */
  selection() {
    const chosen = Object.fromEntries(Object.entries(this.fields).map(([name, field]) => [name, field.value]));
    return selectionOf(chosen, this.task?.name ?? null, this.linked);
  }

  /**
   * The loaded results whose file has a name that contains the wanted one.
   * @param {Result[]} results
   */
  named(results) {
    this.nameField.hidden = !hasNames() && !this.name.value;
    return this.name.value ? results.filter(({ id }) => isNamed(id, this.name.value)) : results;
  }

  /** Whether any results are filtered out. */
  get narrow() {
    const { task, order, ...wanted } = this.selection();
    return this.name.value !== "" || Object.values(wanted).some((value) => value !== null);
  }

  /** Show how many filters are active while they are folded away. */
  describe() {
    for (const option of this.shown.options) option.disabled = reads("blind") && TELLING.has(option.value);
    if (this.shown.selectedOptions[0]?.disabled) this.shown.value = plain(this.shown);
    this.search.disabled = reads("blind");
    this.label.disabled = this.tasks.value === "all" || reads("blind");
    // Tasks cannot be compared by probability, which would also tell a blind reader about the answer.
    for (const option of this.order.options) option.disabled = this.label.disabled && isByProbability(option.value);
    if (this.order.selectedOptions[0].disabled) this.order.value = "newest";
    const label = !this.label.disabled && this.label.value;
    const set = [label, this.search.value, this.name.value, this.from.value, this.to.value, this.tasks.value === "all", this.order.value !== "newest"];
    const number = set.filter(Boolean).length;
    this.views?.render();
    this.more.textContent = number ? text.filters.moreSet(count(number)) : text.filters.more;
    document.getElementById("linked-filters")?.remove();
    // They filter without being shown, too.
    if (Object.keys(this.linked).length && !reads("blind")) loadLinked().then(({ show }) => show(this)).catch(() => {});
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {Record<string, string>} choices labels by value; the first is the default
 */
function fillChoices(select, choices) {
  const chosen = select.value;
  const options = Object.entries(choices).map(([value, label]) => element("option", { value }, label));
  // The value after a form reset.
  options[0].defaultSelected = true;
  fill(select, ...options);
  select.value = chosen in choices ? chosen : Object.keys(choices)[0];
}

/**
 * The linked filters in a query.
 * @param {URLSearchParams} query
 * @returns {Partial<Selection>}
 */
function linked(query) {
  const values = LINKED.filter((name) => query.get(name)).map((name) => [name, query.get(name)]);
  return Object.fromEntries(values.map(([name, value]) => [name, name === "needs_review" ? value === "true" : value]));
}

/**
 * The value with which a field filters nothing.
 * @param {HTMLSelectElement | HTMLInputElement} field
 */
const plain = (field) => (field instanceof HTMLSelectElement ? field.options[0].value : "");

/**
 * Set a field to a value, if it is a valid one.
 * @param {HTMLSelectElement | HTMLInputElement} field
 * @param {string | null} value
 */
function restore(field, value) {
  field.value = value ?? plain(field);
  if (field instanceof HTMLSelectElement && field.selectedIndex < 0) field.value = plain(field);
}
