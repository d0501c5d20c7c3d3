// @ts-check
/** Tables that scroll horizontally if they are wider than the page. */
import { element } from "./dom.js";

/** @typedef {(string | Node)[]} Cell its children */

/**
 * @param {(string | Node)[]} head
 * @param {Cell[][]} rows the first cell is the row header
 * @param {string} [name] accessible name of the scrollable box
 */
export function tableBox(head, rows, name = head.filter((title) => typeof title === "string" && title).join(", ")) {
  // An empty corner is no header.
  const headings = head.map((title) => (title === "" ? element("td") : element("th", { scope: "col" }, title)));
  const lines = rows.map(([first, ...others]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, ...first),
      ...others.map((children) => element("td", {}, ...children)),
    ),
  );
  const box = element(
    "div",
    { className: "table-box", role: "group", "aria-label": name },
    element("table", {}, element("thead", {}, element("tr", {}, ...headings)), element("tbody", {}, ...lines)),
  );
  // A scrollable table is focusable, for the arrow keys; others are no tab stop.
  new ResizeObserver(() => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }).observe(box);
  return box;
}
