// @ts-check
/** Provides the heat maps and the model input of a result, from the server or from this device. */
import { fetchHeatMap } from "./api.js";
import { isFromDevice } from "./ondevice.js";
import { preparedPicture } from "./picture.js";

/** @import { Explanation } from "./imageview.js" */
/** @import { OnDevice } from "./ondevice.js" */
/** @import { Result } from "./types.js" */

/**
 * @param {Result} result
 * @param {OnDevice} device
 * @returns {Pick<Explanation, "fetch" | "prepared">}
 */
export function explanationOf(result, device) {
  if (!isFromDevice(result.id)) return { fetch: (label) => fetchHeatMap(result.id, label), prepared: () => preparedPicture(result) };
  const { heatMaps, prepared } = device.recall(result.id);
  return { fetch: async (label) => heatMaps[label], prepared: async () => prepared ?? null };
}
