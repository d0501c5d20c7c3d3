// @ts-check
/** The login on the page, and links into the API, which need a token that the browser does not send by itself. */
import { Problem, fetchFile } from "./api.js";
import { byId, element, save } from "./dom.js";
import { email, listeners, prepare, signIn, signInInNewTab, signOut } from "./session.js";
import { text } from "./text.js";

/** @import { Login, Me } from "./types.js" */

/** Needs no token. */
const PUBLIC = "/api/openapi.json";

let problem = "";
let admitted = false;
/** @type {Me | null} */
let shown = null;

/**
 * Ask the user to sign in, if login is required and they are not signed in.
 * @param {Login | null} login where users sign in
 * @returns {Promise<boolean>} whether the page may start
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
  watchSession();
  admitted = true;
  return true;
}

/** After sign-in: watch for the end of the session, and add the token to links into the API. */
function watchSession() {
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

/** @param {Me} me the current user */
export function showAccount(me) {
  shown = me;
  byId("account-button", HTMLElement).hidden = !me.login;
  translateLogin();
}

/** Show it in the language of the page. */
export function translateLogin() {
  const handedOver = document.body.dataset.session === "handed over";
  const labels = text.login;
  byId("sign-in-heading", HTMLElement).textContent = handedOver ? labels.handedOverHeading : labels.heading;
  byId("sign-in-words", HTMLElement).textContent = handedOver ? labels.handedOver : labels.explanation;
  byId("sign-in-problem", HTMLElement).textContent = problem;
  byId("account-name", HTMLElement).textContent = email() ?? shown?.user ?? "";
  byId("account-role", HTMLElement).textContent = labels.roles[shown?.role ?? "none"];
}

/**
 * Open the target of a link, or save it if the link has the `download` attribute.
 * @param {HTMLAnchorElement} link
 */
async function followLink(link) {
  // Opened right away, while the browser still treats it as a user action.
  const tab = link.hasAttribute("download") ? null : open("", "_blank");
  link.parentElement?.querySelector(".link-problem")?.remove();
  try {
    const response = await fetchFile(link.href);
    const content = await readable(response);
    if (tab) tab.location.href = URL.createObjectURL(content);
    else save(content, nameOf(response));
  } catch (error) {
    tab?.close();
    if (!(error instanceof Problem)) throw error;
    link.after(element("span", { className: "link-problem", role: "alert" }, error.message));
  }
}

/**
 * As plain text, since browsers download Markdown instead of showing it.
 * @param {Response} response
 */
async function readable(response) {
  const content = await response.blob();
  return content.type.startsWith("text/markdown") ? new Blob([content], { type: "text/plain;charset=utf-8" }) : content;
}

/** @param {Response} response */
const nameOf = ({ headers }) => /filename="([^"]+)"/.exec(headers.get("Content-Disposition") ?? "")?.[1] ?? "negatoscope.csv";
