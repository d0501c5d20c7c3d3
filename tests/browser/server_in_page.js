// A stub of the API and the bucket inside the page: thousands of uploads take about a second, and tests control each
// response. Playwright runs it before the page's own scripts.
"use strict";

{
  const TASKS = ["mammography-views", "chest-xray"].map((name) => ({
    name,
    title: name,
    modality: "MG",
    intended_use: "Tests.",
    limits: [],
    classes: [{ name: "left-cc", title: "Left CC" }, { name: "right-cc", title: "Right CC" }],
    gate: { metrics: {}, max_sensitivity_drop: 0.05 },
    input: { width: 64, height: 64, channels: 1, fit: "pad" },
    review: { min_probability: 0.8, min_margin: 0.2, min_accuracy: 0.97 },
    model: {
      backend: "embedded", endpoint: null, version: "1", created_at: "2026-01-01T00:00:00Z", sha256: "0", metrics: {},
      shortfall: [], since: null,
    },
  }));

  /** Results by id, in order of creation. */
  const results = new Map();

  const server = {
    /** The requests, such as "GET /api/results?limit=50". */
    requests: [],
    results,
    posts: 0,
    /** Milliseconds by which the server's clock is ahead of the browser's. */
    ahead: 0,
    /** Whether answers carry a Date header. */
    dated: true,

    // Tests may replace these. `number` counts from 0.
    /** An error in place of an upload permission: {status, code, message}, "network" or null; or a promise of one. */
    refuse: (number) => null,
    /** An error in place of a list, as above. */
    refuseList: (query) => null,
    /** The bucket's response: a status or "network"; or a promise of one. */
    bucket: (number) => 204,
    /** The result status of an uploaded image. */
    decide: (number) => "classified",

    /** Another image of the task arrives from elsewhere. */
    arrive(task, status = "classified", moment = Date.now() + server.ahead) {
      const id = results.size.toString(16).padStart(32, "0");
      const result = {
        id, task, status: "received", label: null, probability: null, probabilities: {}, needs_review: false, reasons: [],
        heatmap: null, model: null, source: null, arrival: "upload", classified_at: null, review: null, readers: [], disagreement: false, disclaimer: "",
        created_at: new Date(moment).toISOString().replace("Z", "000Z"),
      };
      results.set(id, result);
      server.finish(id, status);
      return result;
    },

    finish(id, status) {
      const reasons = status === "quarantined" ? [{ code: "DamagedImage", message: "The file is damaged." }] : [];
      const answer = status === "classified" ? { label: "left-cc", probability: 0.9 } : {};
      if (status !== "received") delete results.get(id).uploading;
      Object.assign(results.get(id), { status, reasons, ...answer });
    },
  };
  window.server = server;

  const json = (body, status = 200) => {
    const date = server.dated ? { Date: new Date(Date.now() + server.ahead).toUTCString() } : {};
    return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...date } });
  };

  const refusal = (answer) => {
    if (answer === "network") throw new TypeError("Failed to fetch");
    return json({ code: answer.code ?? "Busy", message: answer.message ?? "The server is busy.", request_id: null }, answer.status);
  };

  const list = (query) => {
    const wanted = (name) => query.get(name);
    const direction = wanted("order") === "oldest" ? 1 : -1;
    const key = ({ created_at, id }) => `${created_at} ${id}`;
    const chosen = [...results.values()]
      .filter(({ task, status }) => (!wanted("task") || task === wanted("task")) && (!wanted("status") || status === wanted("status")))
      // As the API does, to the microsecond that both may be written with.
      .filter(({ created_at }) => !wanted("from") || created_at >= wanted("from").replace("Z", "000Z"))
      .sort((a, b) => direction * (key(a) < key(b) ? -1 : 1))
      .filter((result) => !wanted("cursor") || direction * (key(result) > wanted("cursor") ? 1 : -1) > 0);
    const page = chosen.slice(0, Number(wanted("limit") ?? 50));
    return { results: page, cursor: page.length < chosen.length ? key(page.at(-1)) : null };
  };

  let asked = 0;

  const answer = async (method, { pathname, searchParams }, body) => {
    const id = /^\/api\/results\/([0-9a-f]{32})$/.exec(pathname)?.[1];
    if (pathname === "/api/health") return json({ status: "ok", login: null });
    if (pathname === "/api/stage") return json({ stage: "test", version: "0", data_bucket: "bucket", max_image_bytes: 4_500_000 });
    if (pathname === "/api/me") return json({ login: false, user: "test", groups: [], role: "admin" });
    if (pathname === "/api/tasks") return json({ tasks: TASKS, disclaimer: "Not for clinical use." });
    if (pathname === "/api/uploads" && method === "POST") {
      const refused = await server.refuse(asked++);
      if (refused) return refusal(refused);
      const result = server.arrive(JSON.parse(body).task, "received");
      result.uploading = true;
      return json({ id: result.id, upload: { url: "https://bucket.invalid/", fields: { key: result.id } } }, 201);
    }
    // A late arrival would bring a place back that was given up, so the stub keeps it.
    if (pathname.startsWith("/api/uploads/")) return json({ id: pathname.split("/").at(-1) });
    if (id && method === "DELETE") {
      const result = results.get(id);
      results.delete(id);
      return json({ ...result, status: "deleted" });
    }
    if (pathname === "/api/results") {
      const refused = server.refuseList(searchParams);
      return refused ? refusal(refused) : json(list(searchParams));
    }
    if (id) return results.has(id) ? json(results.get(id)) : refusal({ status: 404, code: "UnknownResult", message: "There is none." });
    return refusal({ status: 404, code: "NotFound", message: `No such route: ${pathname}` });
  };

  const realFetch = window.fetch;
  window.fetch = async (input, options = {}) => {
    const url = new URL(input, location.href);
    if (!url.pathname.startsWith("/api/")) return realFetch(input, options);
    options.signal?.throwIfAborted();
    const method = options.method ?? "GET";
    server.requests.push(`${method} ${url.pathname}${url.search}`);
    const response = await answer(method, url, options.body);
    options.signal?.throwIfAborted();
    return response;
  };

  /** Takes forms for the bucket. */
  window.XMLHttpRequest = class extends EventTarget {
    upload = new EventTarget();
    status = 0;
    open() {}
    async send(form) {
      const file = form.get("file");
      const readable = await file.slice(0, 1).arrayBuffer().then(() => true, () => false);
      const status = readable ? await server.bucket(server.posts++) : "network";
      if (this.aborted) return;
      if (status === "network") {
        this.dispatchEvent(new Event("error"));
        return;
      }
      this.status = status;
      if (status < 300) {
        const id = form.get("key");
        server.finish(id, server.decide([...results.keys()].indexOf(id)));
      }
      this.dispatchEvent(new Event("load"));
    }
    abort() {
      this.aborted = true;
      this.dispatchEvent(new Event("abort"));
    }
  };

  /** Files that no other test has sent, dropped onto the page: `contents[i]` is what distinguishes the i-th. */
  server.drop = (contents, prefix = "film") => {
    const jpeg = [0xff, 0xd8, 0xff, 0xe0];
    const files = contents.map((content, index) =>
      new File([new Uint8Array(jpeg), content], `${prefix}-${String(index).padStart(4, "0")}.jpg`, { type: "image/jpeg" }));
    server.dropFiles(files);
    return files;
  };

  server.dropFiles = (files) => {
    const drop = new DragEvent("drop", { bubbles: true, cancelable: true });
    Object.defineProperty(drop, "dataTransfer", { value: { files, items: [], types: ["Files"] } });
    document.body.dispatchEvent(drop);
  };
}
