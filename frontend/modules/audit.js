// @ts-check
/** The audit record: who did what. For administrators; loaded on first use. */
import { accessLog } from "./accesslog.js";
import { announce } from "./announcer.js";
import { request } from "./api.js";
import { auditFilter } from "./auditfilter.js";
import { element, fill, save } from "./dom.js";
import { dateTime } from "./format.js";
import { adminsOnly, hasRole } from "./permissions.js";
import { batchAddress, resultAddress, retrainingAddress } from "./router.js";
import { note } from "./sheet.js";
import { tableBox } from "./table.js";
import { classText, taskText } from "./tasks.js";
import { loadTextsOf, text } from "./text.js";
import { userText } from "./usertext.js";

/** @import { Child } from "./dom.js" */
/** @import { AuditFilter } from "./auditfilter.js" */
/** @import { Page } from "./modelpages.js" */

await loadTextsOf("audit");

/** @typedef {{at: string, user: string, act: string, subject: string, source: string, details: Record<string, string>}} Entry */
/** @typedef {{entries: Entry[], names: Record<string, string>, cursor: string | null}} EntryPage */

/** Acts after which their result can be shown. */
const WITH_RESULT = new Set(["upload-image", "classify-image", "review-result", "withdraw-review", "hide-result", "show-result"]);

/** The largest page that the API gives. */
const EXPORT_PAGE = "100";

/**
 * @param {Pick<Page, "sheet" | "focus" | "find">} page
 */
export function showAudit({ sheet, focus, find }) {
  const labels = text.audit;
  if (!hasRole("admin")) {
    sheet.show({ heading: labels.heading, content: [adminsOnly(labels.right)], focus });
    return;
  }
  const box = element("div");
  const problem = element("div");
  const more = element("button", { type: "button", className: "quiet", hidden: true }, text.worklist.more);
  const csv = element("button", { type: "button", className: "quiet" }, labels.csv);
  /** @type {AuditFilter} */
  let filter = {};
  const users = element("datalist", { id: "audit-users" });
  const form = auditFilter((wanted) => {
    [filter, entries, cursor] = [wanted, [], null];
    read(true);
  }, users);
  const signal = sheet.show({
    heading: labels.heading,
    content: [element("p", {}, labels.what), form, problem, box, element("p", { className: "actions" }, more, csv)],
    focus,
  });
  sheet.body.append(accessLog(signal));
  /** @type {Entry[]} */
  let entries = [];
  /** @type {Record<string, string>} */
  const names = {};
  /** @type {string | null} */
  let cursor = null;
  const read = async (asked = false) => {
    const wanted = filter;
    more.disabled = true;
    fill(problem);
    try {
      const page = await fetchEntries({ ...wanted, ...(cursor && { cursor }) }, signal);
      if (filter !== wanted) return; // another filter was set meanwhile
      entries.push(...page.entries);
      Object.assign(names, page.names);
      fill(users, ...Object.entries(names).map(([id, name]) => element("option", { value: id, label: name })));
      cursor = page.cursor;
      const none = cursor ? labels.access.noneYet : Object.keys(filter).length ? labels.filter.none : labels.none;
      fill(box, entries.length ? tableBox(labels.columns, entries.map((entry) => row(entry, names, find)), labels.heading) : element("p", { className: "soft" }, none));
      more.hidden = cursor === null;
      if (asked) announce(entries.length ? labels.filter.found(entries.length, cursor !== null) : none);
    } catch (error) {
      if (filter === wanted && !signal.aborted) fill(problem, note(error, () => read()));
    } finally {
      if (filter === wanted) more.disabled = false;
    }
  };
  more.addEventListener("click", () => read());
  csv.addEventListener("click", async () => {
    csv.disabled = true;
    fill(problem);
    try {
      save(new Blob([table(await all(filter, signal))], { type: "text/csv" }), labels.file);
    } catch (error) {
      if (!signal.aborted) fill(problem, note(error));
    } finally {
      csv.disabled = false;
    }
  });
  return read();
}

/**
 * @param {Record<string, string>} query
 * @param {AbortSignal} signal
 * @returns {Promise<EntryPage>}
 */
async function fetchEntries(query, signal) {
  return (await request(`/audit?${new URLSearchParams(query)}`, { signal })).json();
}

/**
 * Every wanted entry, newest first.
 * @param {AuditFilter} filter
 * @param {AbortSignal} signal
 */
async function all(filter, signal) {
  const entries = [];
  /** @type {string | null} */
  let cursor = null;
  do {
    const page = /** @type {EntryPage} */ (await fetchEntries({ ...filter, limit: EXPORT_PAGE, ...(cursor && { cursor }) }, signal));
    entries.push(...page.entries);
    cursor = page.cursor;
  } while (cursor !== null);
  return entries;
}

/**
 * @param {Entry} entry
 * @param {Record<string, string>} names of users, by id
 * @param {Page["find"]} find
 * @returns {import("./table.js").Cell[]}
 */
function row({ at, user, act, subject, source, details }, names, find) {
  const labels = text.audit;
  const task = find(details.task ?? subject);
  const titles = /** @type {Record<string, (value: string) => Child>} */ ({
    task: () => task && taskText(task),
    label: (value) => task && classText(task, value),
  });
  const told = Object.entries(details).flatMap(([name, value], index) => [
    `${index ? ", " : ""}${labels.details[name] ?? name}: `,
    titles[name]?.(value) || value,
  ]);
  if (source === "command") told.push(`${told.length ? ", " : ""}${labels.byCommand}`);
  const time = dateTime(at).replaceAll(" ", "\u00a0"); // in one line
  return [[time], [userText(user, names)], [labels.acts[act] ?? act], [subjectText(act, subject, find)], told];
}

/**
 * @param {string} act
 * @param {string} subject
 * @param {Page["find"]} find
 */
function subjectText(act, subject, find) {
  const task = find(subject);
  if (task) return taskText(task);
  if (WITH_RESULT.has(act)) return element("a", { href: resultAddress(subject) }, element("code", {}, subject));
  if (/batch$/.test(act)) return element("a", { href: batchAddress(subject) }, subject);
  if (/retraining$|^approve|^decline/.test(act)) return element("a", { href: retrainingAddress(subject) }, subject);
  return element("code", {}, subject);
}

/**
 * A table for spreadsheets. No value can be a formula: all are ids, names and times that the server has made.
 * @param {Entry[]} entries
 */
const table = (entries) =>
  [["at", "user", "act", "subject", "source", "details"], ...entries.map((entry) => [entry.at, entry.user, entry.act, entry.subject, entry.source, JSON.stringify(entry.details)])]
    .map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(","))
    .join("\r\n");
