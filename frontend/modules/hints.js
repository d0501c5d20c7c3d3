// @ts-check
/** Three hints for newcomers, shown once with the first result. They take no focus, and settings show them again. */
import { announce } from "./announcer.js";
import { addStyles, byId, element, fill } from "./dom.js";
import { keyName, keyOf } from "./keys.js";
import { hasRole } from "./permissions.js";
import { HINTS_SEEN, prefer } from "./preferences.js";
import { language, loadTextsOf, text } from "./text.js";

await Promise.all([loadTextsOf("hints"), addStyles("hints")]);

/** The hints, and the part of the page that each explains. @type {{part: string, title: () => string, words: () => string}[]} */
const HINTS = [
  { part: ".verdict", title: () => text.hints.answer, words: () => text.hints.answerWords },
  {
    part: ".review-form",
    title: () => text.hints.review,
    words: () => text.hints.reviewWords(...[/** @type {const} */ ("enter"), "u", "j", "?"].map((action) => keyName(keyOf(action)))),
  },
  { part: "#filter-show", title: () => text.hints.waiting, words: () => text.hints.waitingWords(text.filters.shown["to-review"]) },
];

const section = element("section", { className: "hints", "aria-labelledby": "hint-title" });

/** The part of the page that the hint explains. */
let shown = "";

/** The number of the hint. */
let current = 0;

/** Another result, or another language, takes the hint away with what was shown before: it is put back. */
const keeper = new MutationObserver(() => {
  if (section.lang !== language) show(current);
  else if (!section.isConnected) place();
});

export function showHints() {
  prefer(HINTS_SEEN, "yes");
  show(0);
}

/** @param {number} index */
function show(index) {
  // Only reviewers can review.
  const hints = HINTS.filter(({ part }) => part !== ".review-form" || hasRole("reviewer"));
  const { part, title, words } = hints[index];
  const last = index === hints.length - 1;
  const following = element("button", { type: "button", className: "secondary" }, text.hints.next);
  following.addEventListener("click", () => {
    show(index + 1);
    section.querySelector("button")?.focus();
  });
  const end = element("button", { type: "button", className: "quiet" }, last ? text.hints.done : text.hints.end);
  end.addEventListener("click", close);
  fill(
    section,
    element("h3", { id: "hint-title" }, text.hints.number(index + 1, hints.length, title())),
    element("p", {}, words()),
    element("p", { className: "hint-buttons" }, !last && following, end),
  );
  section.lang = language;
  current = index;
  shown = part;
  place();
  keeper.observe(byId("result-body", HTMLElement), { childList: true });
  announce(`${text.hints.number(index + 1, hints.length, title())}. ${words()}`);
}

/** Below the verdict, which comes first on a phone; and above everything where there is none. */
function place() {
  const verdict = document.querySelector("#result-body > .verdict");
  if (verdict) verdict.after(section);
  else byId("result-body", HTMLElement).prepend(section);
  mark(document.querySelector(shown));
}

function close() {
  keeper.disconnect();
  mark(null);
  section.remove();
  byId("result-heading", HTMLElement).focus({ preventScroll: true });
}

/**
 * Outline what a hint explains.
 * @param {Element | null} part
 */
function mark(part) {
  document.querySelector(".hinted")?.classList.remove("hinted");
  part?.classList.add("hinted");
}
