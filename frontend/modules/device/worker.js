// @ts-check
/** Prepares and classifies images in a worker, so that the page stays responsive. Makes no requests. */
import * as runtime from "../../vendor/onnxruntime-web/ort.wasm.bundle.min.mjs";
import { NotPrepared } from "./notprepared.js";
import { prepare } from "./prepare.js";

/** @import { Order } from "./classifier.js" */

// What is installed of it has no types.
const { InferenceSession, Tensor, env } = /** @type {any} */ (runtime);

// More threads would need cross-origin isolation (COEP), and images come one by one.
env.wasm.numThreads = 1;
env.logLevel = "error";

/** The one of the open model. @type {any} */
let session = null;

addEventListener("message", async (/** @type {MessageEvent<Order & {number: number}>} */ { data: { number, ...order } }) => {
  try {
    const done = "graph" in order ? await open(order.graph) : await classify(order);
    postMessage({ number, done });
  } catch (error) {
    // Only plain values can be posted to the page.
    postMessage({ number, reason: error instanceof NotPrepared ? error.reason : "failed", message: String(error) });
  }
});

/** @param {ArrayBuffer} graph */
async function open(graph) {
  await session?.release();
  session = await InferenceSession.create(new Uint8Array(graph), { executionProviders: ["wasm"] });
}

/** @param {Extract<Order, {file: Blob}>} order */
async function classify({ file, contentType, input }) {
  const { pixels, box, source } = await prepare(file, contentType, input);
  if (!session) throw new Error("no model is open");
  const image = new Tensor("uint8", pixels, [1, input.channels, input.height, input.width]);
  const { probabilities, activation, distance } = await session.run({ image });
  const [, , rows, columns] = activation.dims;
  return {
    pixels,
    outputs: { probabilities: probabilities.data, activation: activation.data, rows, columns, distance: distance.data[0], box, source },
  };
}
