// @ts-check
/** What entries of the audit record are wanted. */
import { element } from "./dom.js";
import { startOfDay } from "./selection.js";
import { text } from "./text.js";

/** @typedef {Record<string, string>} AuditFilter the query parameters of a request */

/**
 * A form that filters the record.
 * @param {(wanted: AuditFilter) => void} onFilter
 * @param {HTMLDataListElement} users to choose from
 */
export function auditFilter(onFilter, users) {
  const labels = text.audit;
  const user = element("input", { type: "search", title: labels.filter.userHelp });
  user.setAttribute("list", users.id);
  const acts = Object.entries(labels.acts).map(([value, title]) => element("option", { value }, title));
  const act = element("select", {}, element("option", { value: "" }, labels.filter.everything), ...acts);
  const subject = element("input", { type: "search", title: labels.filter.subjectHelp });
  const from = element("input", { type: "date" });
  const to = element("input", { type: "date" });
  const wanted = () => {
    const fields = { user: user.value.trim(), act: act.value, subject: subject.value.trim() };
    const period = { from: startOfDay(from.value, 0), to: startOfDay(to.value, 1) };
    return /** @type {AuditFilter} */ (Object.fromEntries(Object.entries({ ...fields, ...period }).filter(([, value]) => value)));
  };
  const [, who, what, ofWhat] = labels.columns;
  const form = element(
    "form",
    { className: "actions access-search", "aria-label": labels.filter.name },
    element("label", {}, who, " ", user),
    users,
    element("label", {}, what, " ", act),
    element("label", {}, ofWhat, " ", subject),
    element("label", {}, text.filters.from, " ", from),
    element("label", {}, text.filters.to, " ", to),
    element("button", { type: "submit", className: "quiet" }, labels.filter.show),
    element("button", { type: "reset", className: "quiet" }, text.filters.reset),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onFilter(wanted());
  });
  form.addEventListener("reset", () => onFilter({}));
  return form;
}
