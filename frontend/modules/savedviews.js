// @ts-check
/** Saved views: task, filters and order of the worklist under a name, kept in this browser; loaded on first use. */
import { announce } from "./announcer.js";
import { addStyles, element, fill } from "./dom.js";
import { MAX_TEXT } from "./limits.js";
import { prefer, preference, onPreferenceChange } from "./preferences.js";
import { navigate, taskAddress } from "./router.js";
import { loadTextsOf, text } from "./text.js";

/** @import { Filters } from "./filters.js" */

/**
 * @typedef {object} View
 * @property {string} name
 * @property {string} task
 * @property {string} query as Filters has it; without the name of a file, which must not be kept here
 */

const KEY = "views";

await Promise.all([loadTextsOf("savedviews"), addStyles("savedviews")]);

export class SavedViews {
  /** @param {Filters} filters */
  constructor(filters) {
    this.filters = filters;
    this.views = load();
    this.label = element("label", { htmlFor: "view" });
    this.chooser = element("select", { id: "view" });
    this.name = element("input", { type: "text", maxLength: MAX_TEXT, autocomplete: "off" });
    this.saving = button(() => this.save());
    this.renaming = button(() => this.rename());
    this.deleting = button(() => this.remove());
    this.heading = element("legend");
    this.tools = element("fieldset", { className: "view-tools" }, this.heading, this.name, this.saving, this.renaming, this.deleting);
    this.chooser.addEventListener("change", (event) => {
      // It is no filter.
      event.stopPropagation();
      this.show(this.views[Number(this.chooser.value)]);
    });
    this.name.addEventListener("input", () => this.render());
    this.name.addEventListener("change", (event) => event.stopPropagation());
    this.name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.save();
    });
    filters.form.prepend(this.label, this.chooser);
    filters.panel.querySelector(".filter-fields")?.append(this.tools);
    this.render();
    onPreferenceChange(KEY, () => {
      this.views = load();
      this.render();
    });
  }

  /** The place of the view that the filters show; -1 if they show none. */
  get current() {
    const { task, query } = this.filters;
    return this.views.findIndex((view) => view.task === task?.name && view.query === query);
  }

  /** The name that was typed. */
  get typed() {
    return this.name.value.trim();
  }

  /** @param {View | undefined} view */
  show(view) {
    const { filters } = this;
    if (!view) return;
    filters.name.value = "";
    if (view.task === filters.task?.name) {
      filters.set(view.query);
      filters.apply();
    } else {
      filters.coming = view;
      navigate(taskAddress(view.task));
    }
  }

  /** Save the filters under the name that was typed; a view of this name is replaced. */
  save() {
    const { task, query } = this.filters;
    const name = this.typed;
    if (!name || !task) return;
    this.keep([...this.views.filter((view) => view.name !== name), { name, task: task.name, query }], text.savedViews.saved(name));
  }

  /** Give the view that is shown the name that was typed. */
  rename() {
    const { current } = this;
    const name = this.typed;
    const renamed = this.views.map((view, place) => (place === current ? { ...view, name } : view));
    this.keep(renamed.filter((view, place) => place === current || view.name !== name), text.savedViews.renamed(name));
  }

  /** Delete the view that is shown; its filters stay. */
  remove() {
    const [removed] = this.views.slice(this.current);
    this.keep(this.views.filter((view) => view !== removed), text.savedViews.deleted(removed.name));
    this.name.focus();
  }

  /**
   * @param {View[]} views
   * @param {string} message what has changed
   */
  keep(views, message) {
    this.views = views.sort((a, b) => a.name.localeCompare(b.name));
    prefer(KEY, views.length ? JSON.stringify(views) : "");
    this.name.value = "";
    this.render();
    announce(message);
  }

  render() {
    const { savedViews } = text;
    const { current, typed } = this;
    const options = this.views.map(({ name }, place) => element("option", { value: String(place) }, name));
    fill(this.chooser, element("option", { value: "-1" }, savedViews.none), ...options);
    this.chooser.value = String(current);
    this.label.textContent = savedViews.view;
    this.label.hidden = this.chooser.hidden = this.views.length === 0;
    this.heading.textContent = savedViews.heading;
    this.name.placeholder = this.name.ariaLabel = savedViews.name;
    this.saving.textContent = savedViews.save;
    this.renaming.textContent = savedViews.rename;
    this.deleting.textContent = current < 0 ? savedViews.delete : savedViews.deleteOne(this.views[current].name);
    this.saving.disabled = !typed;
    this.renaming.disabled = !typed || current < 0;
    this.deleting.disabled = current < 0;
  }
}

/** @param {() => void} act */
function button(act) {
  const made = element("button", { type: "button", className: "quiet" });
  made.addEventListener("click", act);
  return made;
}

/** @returns {View[]} those of earlier visits */
function load() {
  try {
    const views = JSON.parse(preference(KEY) || "[]");
    const isView = (/** @type {View} */ view) => [view?.name, view?.task, view?.query].every((part) => typeof part === "string");
    return Array.isArray(views) ? views.filter(isView) : [];
  } catch {
    return [];
  }
}
