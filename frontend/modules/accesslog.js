// @ts-check
/** The access log: who asked the server for what. A part of the audit record, read when it is asked for. */
import { request } from "./api.js";
import { element, fill } from "./dom.js";
import { dateTime } from "./format.js";
import { note } from "./sheet.js";
import { tableBox } from "./table.js";
import { text } from "./text.js";
import { userText } from "./usertext.js";

/** @typedef {{at: string, user: string | null, method: string, path: string, status: number, refused: string | null}} Entry */
/** @typedef {{entries: Entry[], names: Record<string, string>, cursor: string | null}} EntryPage */

const DAY_MS = 86_400_000;

/** Entries in one answer. */
const LIMIT = 100;

/**
 * A form that searches the log, with what it has found.
 * @param {AbortSignal} signal aborted when another view is shown
 */
export function accessLog(signal) {
  const labels = text.audit.access;
  const search = element("input", { type: "search", pattern: "[A-Za-z0-9._\\/\\-]*", title: labels.searchHelp });
  const days = element("select", {}, ...labels.periods.map(([value, title]) => element("option", { value }, title)));
  const found = element("div", { "aria-live": "polite" });
  const more = element("button", { type: "button", className: "quiet", hidden: true }, text.worklist.more);
  /** @type {Entry[]} */
  let entries = [];
  /** @type {Record<string, string>} */
  const names = {};
  /** @type {string | null} */
  let cursor = null;
  /** What was searched for last. @type {Record<string, string>} */
  let wanted = {};
  const read = async () => {
    const asked = wanted;
    more.disabled = true;
    try {
      const query = new URLSearchParams({ ...asked, limit: String(LIMIT), ...(cursor && { cursor }) });
      /** @type {EntryPage} */
      const page = await (await request(`/access-log?${query}`, { signal })).json();
      if (wanted !== asked) return;
      entries.push(...page.entries);
      Object.assign(names, page.names);
      cursor = page.cursor;
      fill(found, entries.length ? tableBox(labels.columns, entries.map((entry) => row(entry, names)), labels.heading) : element("p", { className: "soft" }, cursor ? labels.noneYet : labels.none));
      more.hidden = cursor === null;
    } catch (error) {
      if (wanted === asked && !signal.aborted) fill(found, note(error, read));
    } finally {
      if (wanted === asked) more.disabled = false;
    }
  };
  const form = element(
    "form",
    { className: "actions access-search" },
    element("label", {}, labels.search, " ", search),
    element("label", {}, labels.period, " ", days),
    element("button", { type: "submit", className: "quiet" }, labels.show),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    [entries, cursor] = [[], null];
    wanted = { from: new Date(Date.now() - Number(days.value) * DAY_MS).toISOString(), ...(search.value && { search: search.value }) };
    read();
  });
  more.addEventListener("click", read);
  return element("section", {}, element("h3", {}, labels.heading), element("p", {}, labels.what), form, found, element("p", { className: "actions" }, more));
}

/**
 * @param {Entry} entry
 * @param {Record<string, string>} names of users, by id
 * @returns {import("./table.js").Cell[]}
 */
function row({ at, user, method, path, status, refused }, names) {
  const time = dateTime(at).replaceAll(" ", "\u00a0"); // in one line
  const who = user === null ? text.audit.access.nobody : userText(user, names);
  return [[time], [who], [element("code", {}, `${method} ${path}`)], [refused ? `${status} ${refused}` : String(status)]];
}
