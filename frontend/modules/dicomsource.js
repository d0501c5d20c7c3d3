// @ts-check
/** The facts of a DICOM file that results have: defined terms and numbers only, since free text could contain a name. */
import { LATERALITIES, MODALITIES, VIEW_POSITIONS } from "./dicomterms.js";

/** @import { Header } from "./dicomheader.js" */
/** @import { Source } from "./types.js" */

/**
 * @param {Header} header
 * @param {number} frames
 * @returns {Source}
 */
export function sourceOf(header, frames) {
  const term = (/** @type {"modality" | "view" | "laterality" | "imageLaterality"} */ name, /** @type {Set<string>} */ defined) => {
    const value = header.text(name).toUpperCase();
    return defined.has(value) ? value : undefined;
  };
  const known = {
    modality: term("modality", MODALITIES),
    laterality: term("imageLaterality", LATERALITIES) ?? term("laterality", LATERALITIES),
    view_position: term("view", VIEW_POSITIONS),
    pixel_spacing: spacingOf(header),
    ...(frames > 1 && { frame: Math.floor(frames / 2) + 1, frames }),
  };
  return {
    format: "DICOM",
    rows: header.short("rows", 0),
    columns: header.short("columns", 0),
    transfer_syntax: header.syntaxName,
    ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
  };
}

/** Millimetres, as on the server (chalicelib/imaging/dicom/attributes.py). */
const [MIN_SPACING, MAX_SPACING] = [1e-5, 100];

/**
 * @param {Header} header
 * @returns {[number, number] | undefined} millimetres between rows and between columns
 */
function spacingOf(header) {
  const found = [header.decimals("spacing"), header.decimals("imagerSpacing")].find(
    (values) => values.length === 2 && values.every((value) => value >= MIN_SPACING && value <= MAX_SPACING),
  );
  return found && [Number(found[0].toPrecision(6)), Number(found[1].toPrecision(6))];
}
