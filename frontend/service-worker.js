// @ts-check
/**
 * Lets the page open without a network, for whoever classifies on the device. With a network everything comes from the
 * server, so nobody sees an old page; what is kept is one state of the page, whole, as files.json lists it by digest.
 * Answers of the API are never kept, nor is any image.
 */

const worker = /** @type {any} */ (self);

const SHELF = "negatoscope-page";
const LISTING = "/files.json";
const START = "/index.html";

worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(keep().then(() => worker.skipWaiting())));

worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== worker.location.origin || pathname.startsWith("/api/")) return;
  event.respondWith(answer(request, pathname === "/" ? START : pathname));
  if (request.mode === "navigate") event.waitUntil(keep().catch(() => {}));
});

/**
 * @param {Request} request
 * @param {string} path
 */
async function answer(request, path) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await (await caches.open(SHELF)).match(path);
    if (kept) return kept;
    throw error;
  }
}

/** Bring what is kept to the state that the server has now; all of it, or nothing. */
async function keep() {
  const shelf = await caches.open(SHELF);
  const listing = await fetch(LISTING, { cache: "no-cache" });
  const words = await listing.clone().text();
  const before = await shelf.match(LISTING);
  if (!listing.ok || (await before?.clone().text()) === words) return;
  /** @type {Record<string, string>} */
  const known = before ? (await before.json()).files : {};
  /** @type {Record<string, string>} */
  const { files } = JSON.parse(words);
  const changed = Object.keys(files).filter((path) => files[path] !== known[path]);
  const fresh = await Promise.all(changed.map(async (path) => /** @type {const} */ ([path, await fetched(path, files[path])])));
  // The listing comes last: whatever is cut short before is done again.
  await shelf.delete(LISTING);
  for (const [path, response] of fresh) await shelf.put(path, response);
  for (const path of Object.keys(known)) if (!(path in files)) await shelf.delete(path);
  await shelf.put(LISTING, listing);
}

/**
 * @param {string} path
 * @param {string} sha256
 * @returns {Promise<Response>}
 */
async function fetched(path, sha256) {
  const response = await fetch(path, { cache: "no-cache" });
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await response.clone().arrayBuffer()));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  // The server is between two states; the next visit finds it in one.
  if (found !== sha256) throw new Error(`${path} is of another state than ${LISTING}`);
  return response;
}
