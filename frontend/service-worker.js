// @ts-check
/**
 * Lets the page open offline, for classification on the device. Online, everything comes from the server, so the page is
 * never outdated. The cache holds one complete version of the page, as listed with digests in files.json. API responses and
 * images are never cached.
 */

const worker = /** @type {any} */ (self);

const CACHE = "negatoscope-page";
const LISTING = "/files.json";
const START = "/index.html";

worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(updateCache().then(() => worker.skipWaiting())));

worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== worker.location.origin || pathname.startsWith("/api/")) return;
  event.respondWith(answer(request, pathname === "/" ? START : pathname));
  if (request.mode === "navigate") event.waitUntil(updateCache().catch(() => {}));
});

/**
 * @param {Request} request
 * @param {string} path
 */
async function answer(request, path) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await (await caches.open(CACHE)).match(path);
    if (kept) return kept;
    throw error;
  }
}

/** Update the cache to the server's version of the page, completely or not at all. */
async function updateCache() {
  const cache = await caches.open(CACHE);
  const listing = await fetch(LISTING, { cache: "no-cache" });
  const content = await listing.clone().text();
  const before = await cache.match(LISTING);
  if (!listing.ok || (await before?.clone().text()) === content) return;
  /** @type {Record<string, string>} */
  const known = before ? (await before.json()).files : {};
  /** @type {{files: Record<string, string>}} */
  const { files } = JSON.parse(content);
  const changed = Object.keys(files).filter((path) => files[path] !== known[path]);
  const fresh = await Promise.all(changed.map(async (path) => /** @type {const} */ ([path, await fetched(path, files[path])])));
  // The listing is written last: an interrupted update is repeated.
  await cache.delete(LISTING);
  for (const [path, response] of fresh) await cache.put(path, response);
  for (const path of Object.keys(known)) if (!(path in files)) await cache.delete(path);
  await cache.put(LISTING, listing);
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
  // The server is being updated; the next visit tries again.
  if (found !== sha256) throw new Error(`${path} does not match ${LISTING}`);
  return response;
}
