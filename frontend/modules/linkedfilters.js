// @ts-check
/** Shows the filters of the worklist that a link has set, such as those of a cell of a confusion matrix, and removes them. */
import { element } from "./dom.js";
import { classTitle } from "./tasks.js";
import { loadTextsOf, text } from "./text.js";

/** @import { Filters } from "./filters.js" */

await loadTextsOf("linkedfilters");

/** @param {Filters} filters */
export function show(filters) {
  const { reviewed_label: reviewedLabel, model, needs_review: marked } = filters.linked;
  const labels = text.linkedFilters;
  const said = [
    reviewedLabel && labels.reviewedAs(classTitle(filters.task ?? undefined, reviewedLabel)),
    model && labels.model(model),
    marked !== undefined && labels.marked(Boolean(marked)),
  ].filter(Boolean);
  const remove = element("button", { type: "reset", className: "link" }, labels.remove);
  document.getElementById("linked-filters")?.remove();
  if (said.length) filters.form.append(element("p", { id: "linked-filters", className: "small-print" }, said.join(" · "), " ", remove));
}
