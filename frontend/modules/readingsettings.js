// @ts-check
/** The settings of how the user reads; loaded when the settings are opened. */
import { addStyles, byId, element, fill } from "./dom.js";
import { hasRole } from "./permissions.js";
import { reads, setMode } from "./readingmode.js";
import { loadTextsOf, text } from "./text.js";

await Promise.all([loadTextsOf("reading"), addStyles("reading")]);

const box = element("fieldset", { className: "reading" });
byId("kept-names", HTMLElement).before(box);

/** @param {() => void} onChange */
export function offerReading(onChange) {
  box.hidden = !hasRole("reviewer");
  fill(box, element("legend", {}, text.reading.heading), ...choice("blind", onChange), ...choice("second", onChange));
}

/**
 * @param {"blind" | "second"} mode
 * @param {() => void} onChange
 */
function choice(mode, onChange) {
  const input = element("input", { type: "checkbox", checked: reads(mode), "aria-describedby": `meaning-${mode}` });
  input.addEventListener("change", () => {
    setMode(mode, input.checked);
    onChange();
  });
  return [
    element("label", { className: "checkbox" }, input, element("span", {}, text.reading[mode])),
    element("p", { className: "small-print", id: `meaning-${mode}` }, text.reading[`${mode}Meaning`]),
  ];
}
