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
  const headings = head.map((title) =>
    title === "" ? element("td", { role: "cell" }) : element("th", { scope: "col", role: "columnheader" }, title),
  );
  const titles = head.slice(1).map((title) => (typeof title === "string" ? title : title.textContent ?? ""));
  // On phones, a row is a block with a line for each cell. The roles keep it a row of a table.
  const lines = rows.map(([first, ...others]) =>
    element(
      "tr",
      { role: "row" },
      element("th", { scope: "row", role: "rowheader" }, ...first),
      ...others.map((children, index) => element("td", { role: "cell", "data-title-of": titles[index] ?? "" }, ...children)),
    ),
  );
  const box = element(
    "div",
    { className: "table-box", role: "group", "aria-label": name },
    element(
      "table",
      { role: "table" },
      element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...headings)),
      element("tbody", { role: "rowgroup" }, ...lines),
    ),
  );
  // A scrollable table is focusable, for the arrow keys; others are no tab stop.
  new ResizeObserver(() => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }).observe(box);
  return box;
}
