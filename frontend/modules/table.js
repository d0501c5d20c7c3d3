// @ts-check
/** Tables that scroll by themselves where they are wider than the page. */
import { element } from "./dom.js";

/** @typedef {(string | Node)[]} Cell its children */

/**
 * @param {(string | Node)[]} head
 * @param {Cell[][]} rows the first cell of each names it
 * @param {string} [name] what it is called where it can be scrolled
 */
export function tableBox(head, rows, name = head.filter((words) => typeof words === "string" && words).join(", ")) {
  // An empty corner heads nothing.
  const headings = head.map((words) => (words === "" ? element("td") : element("th", { scope: "col" }, words)));
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
  // What can be scrolled takes the focus for the arrow keys; what cannot is no stop on the way.
  new ResizeObserver(() => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }).observe(box);
  return box;
}
