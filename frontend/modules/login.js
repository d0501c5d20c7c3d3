// @ts-check
/** Signing in and out, as people see it; and links into the API, which a browser alone would follow without a token. */
import { Problem, fetchFile } from "./api.js";
import { byId, element } from "./dom.js";
import { email, listeners, prepare, signIn, signInInNewTab, signOut } from "./session.js";
import { text } from "./text.js";

/** @import { Login, Me } from "./types.js" */

/** What anybody may read. */
const PUBLIC = "/api/openapi.json";

let problem = "";
let admitted = false;
/** @type {Me | null} */
let shown = null;

/**
 * Let in whoever is signed in, and everybody where nobody has to; ask the others to sign in.
 * @param {Login | null} login where people sign in
 * @returns {Promise<boolean>} whether the page may begin
 */
export async function admit(login) {
  if (!login || admitted) return true;
  let state = "out";
  try {
    state = await prepare(login);
  } catch (error) {
    console.warn(error);
    problem = text.login.failed;
  }
  document.body.dataset.session = state;
  byId("sign-in", HTMLElement).hidden = state === "in";
  byId("sign-in-now", HTMLButtonElement).hidden = state === "handed over";
  byId("sign-in-now", HTMLButtonElement).addEventListener("click", () => signIn());
  translateLogin();
  if (state === "handed over") close();
  if (state !== "in") return false;
  accompany();
  admitted = true;
  return true;
}

/** Once somebody is in: what happens when the session ends, and the links that need a token. */
function accompany() {
  const notice = byId("session-notice", HTMLElement);
  listeners.onWait = () => (notice.hidden = false);
  listeners.onReturn = () => (notice.hidden = true);
  byId("sign-in-again", HTMLButtonElement).addEventListener("click", signInInNewTab);
  byId("sign-out", HTMLButtonElement).addEventListener("click", signOut);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link?.getAttribute("href")?.startsWith("/api/") || link.getAttribute("href") === PUBLIC) return;
    event.preventDefault();
    followLink(link);
  });
}

/** @param {Me} me who is in */
export function showAccount(me) {
  shown = me;
  byId("account-button", HTMLElement).hidden = !me.login;
  translateLogin();
}

/** Say it in the language of the page. */
export function translateLogin() {
  const handedOver = document.body.dataset.session === "handed over";
  const words = text.login;
  byId("sign-in-heading", HTMLElement).textContent = handedOver ? words.handedOverHeading : words.heading;
  byId("sign-in-words", HTMLElement).textContent = handedOver ? words.handedOver : words.explanation;
  byId("sign-in-problem", HTMLElement).textContent = problem;
  byId("account-name", HTMLElement).textContent = email() ?? shown?.user ?? "";
  byId("account-role", HTMLElement).textContent = words.roles[shown?.role ?? "none"];
}

/**
 * Open what a link leads to, or save it where the link says so.
 * @param {HTMLAnchorElement} link
 */
async function followLink(link) {
  // Opened at once, while the browser still knows that somebody asked for it.
  const tab = link.hasAttribute("download") ? null : open("", "_blank");
  link.parentElement?.querySelector(".link-problem")?.remove();
  try {
    const response = await fetchFile(link.href);
    const address = URL.createObjectURL(await readable(response));
    if (tab) tab.location.href = address;
    else element("a", { href: address, download: nameOf(response) }).click();
  } catch (error) {
    tab?.close();
    if (!(error instanceof Problem)) throw error;
    link.after(element("span", { className: "link-problem", role: "alert" }, error.message));
  }
}

/**
 * Browsers save Markdown where they show plain text.
 * @param {Response} response
 */
async function readable(response) {
  const content = await response.blob();
  return content.type.startsWith("text/markdown") ? new Blob([content], { type: "text/plain;charset=utf-8" }) : content;
}

/** @param {Response} response */
const nameOf = ({ headers }) => /filename="([^"]+)"/.exec(headers.get("Content-Disposition") ?? "")?.[1] ?? "negatoscope.csv";
