// @ts-check
/**
 * The session: tokens of the user pool, kept for this tab only and renewed before they expire. Without login there are
 * none. Requests made after the session has ended wait until the user has signed in again.
 */
import { orAborted } from "./abort.js";
import { language } from "./text.js";

/** @import { Login, Tokens } from "./types.js" */

const LIBRARY = "/vendor/oidc-client-ts/oidc-client-ts.js";
const KEY = "negatoscope.session";
const SCOPE = "openid";

/** A token is renewed this long before it expires, so that it does not expire on its way. */
const AHEAD_S = 30;

/** How long a tab that signed in for another one waits for its reply. */
const HANDOVER_MS = 2_000;

/** Connects the tabs of this page. */
const channel = new BroadcastChannel(KEY);
/** The id of this tab. */
const tab = crypto.randomUUID();

/** @type {Login | null} null if there is no login, or before it is known */
let pool = null;
/** @type {any} of oidc-client-ts */
let library;
/** @type {any} its OidcClient */
let client;
/** @type {Tokens | null} */
let tokens = null;
/** The user whose work is on the page, even after the session has ended. */
let owner = "";
/** @type {Promise<void> | null} */
let renewing = null;
/** @type {Set<() => void>} requests that wait for a sign-in */
const waiters = new Set();

/** Callbacks of the page. */
export const listeners = {
  /** The session has ended, and a request waits. */
  onWait: () => {},
  /** The user has signed in again. */
  onReturn: () => {},
};

/**
 * Set up the login, and complete a sign-in that is in progress.
 * @param {Login} login
 * @returns {Promise<"in" | "out" | "handed over">} "handed over" if this tab signed in for another one, which continues
 * @throws {Error} if signing in has failed
 */
export async function prepare(login) {
  pool = login;
  library = await import(LIBRARY);
  client = new library.OidcClient({
    authority: login.origin,
    client_id: login.client_id,
    redirect_uri: home(),
    scope: SCOPE,
    stateStore: new library.WebStorageStateStore({ store: sessionStorage, prefix: `${KEY}.` }),
    metadata: {
      authorization_endpoint: `${login.origin}/oauth2/authorize`,
      token_endpoint: `${login.origin}/oauth2/token`,
      revocation_endpoint: `${login.origin}/oauth2/revoke`,
    },
  });
  channel.addEventListener("message", onChannelMessage);
  const query = new URLSearchParams(location.search);
  const requester = query.get("sign-in");
  if (requester) await signIn(requester);
  if (query.has("state")) return finish();
  await restore();
  return tokens ? "in" : "out";
}

/** @returns {string | undefined} the email address of the signed-in user */
export const email = () => tokens?.email;

/**
 * Go to the login page, and come back to the current view.
 * @param {string} [requester] the tab for which this one signs in
 * @returns {Promise<never>}
 */
export async function signIn(requester) {
  // The login library could not be loaded.
  if (!client) location.reload();
  const { url } = await client.createSigninRequest({ state: { requester, view: `${requester ? "" : location.search}${location.hash}` }, extraQueryParams: { lang: language } });
  location.replace(url);
  return new Promise(() => {});
}

/** Sign in again without leaving this page: another tab does so, and hands over the tokens. */
export const signInInNewTab = () => open(`/?${new URLSearchParams({ "sign-in": tab })}`, "_blank", "noopener");

/** Sign out here, in other tabs, and at the login page. */
export async function signOut() {
  const revoked = tokens?.refresh_token;
  forget();
  channel.postMessage({ signedOut: true });
  // If the pool cannot be reached, the token expires by itself.
  if (revoked) await client.revokeToken(revoked, "refresh_token").catch(() => {});
  location.assign(`${pool?.origin}/logout?${new URLSearchParams({ client_id: pool?.client_id ?? "", logout_uri: home() })}`);
}

/**
 * @param {AbortSignal | null} [signal]
 * @returns {Promise<string | null>} the token for the API; null if there is no login
 * @throws {Error} if the pool cannot be reached
 */
export async function token(signal) {
  if (!pool) return null;
  return tokens && isValid(tokens) ? tokens.id_token : renewToken(tokens?.id_token, signal);
}

/**
 * @param {string | undefined} stale the token that is no longer valid
 * @param {AbortSignal | null} [signal]
 * @returns {Promise<string>} a new one
 * @throws {Error} if the pool cannot be reached
 */
export async function renewToken(stale, signal) {
  if (tokens && tokens.id_token === stale) await (renewing ??= renew().finally(() => (renewing = null)));
  while (!tokens) await signedIn(signal);
  return tokens.id_token;
}

/** Renew the tokens without user interaction. If the pool refuses, the session has ended. */
async function renew() {
  const { refresh_token, sub } = /** @type {Tokens} */ (tokens);
  try {
    // The previous ID token is not passed: pools that rotate refresh tokens change auth_time with each renewal, which would not match.
    const fresh = await client.useRefreshToken({ state: { refresh_token, scope: SCOPE, profile: {} } });
    if (fresh.profile.sub !== sub) throw new Error("The tokens belong to another user.");
    keep({ ...tokensOf(fresh), refresh_token: fresh.refresh_token ?? refresh_token });
  } catch (error) {
    if (!(error instanceof library.ErrorResponse)) throw error;
    forget();
  }
}

/**
 * Wait until the user has signed in again.
 * @param {AbortSignal | null} [signal]
 * @returns {Promise<void>}
 */
async function signedIn(signal) {
  signal?.throwIfAborted();
  listeners.onWait();
  /** @type {() => void} */
  let go = () => {};
  const back = new Promise((resolve) => waiters.add((go = () => resolve(undefined))));
  // A cancelled request no longer waits.
  await (signal ? orAborted(back, signal).finally(() => waiters.delete(go)) : back);
}

/** Complete the sign-in after the return from the login page. */
async function finish() {
  const address = location.href;
  // The code can be used once only, and must not stay in the address.
  history.replaceState(null, "", "/");
  const response = await client.processSigninResponse(address);
  const { requester, view } = response.userState;
  if (requester && (await handOver(requester, tokensOf(response)))) return "handed over";
  history.replaceState(null, "", `/${view}`);
  keep(tokensOf(response));
  return "in";
}

/**
 * @param {string} other id of a tab
 * @param {Tokens} given
 * @returns {Promise<boolean>} whether it replied
 */
function handOver(other, given) {
  return new Promise((resolve) => {
    const answer = (/** @type {MessageEvent} */ { data }) => data.taken === other && resolve(true);
    channel.addEventListener("message", answer);
    channel.postMessage({ to: other, given });
    setTimeout(() => resolve(false), HANDOVER_MS);
  });
}

/** @param {MessageEvent} message from another tab */
function onChannelMessage({ data }) {
  if (data.signedOut && owner) {
    forget();
    location.reload();
  }
  if (data.to !== tab) return;
  channel.postMessage({ taken: tab });
  if (data.given.sub === owner) {
    keep(data.given);
    listeners.onReturn();
  } else {
    // Another user signed in: drop what waits, and reload the page.
    store(data.given);
    location.reload();
  }
}

/**
 * The tokens in the pool's response.
 * @param {any} response
 * @returns {Tokens}
 */
const tokensOf = ({ id_token, refresh_token, expires_at, profile: { sub, email } }) => ({ id_token, refresh_token, expires_at, sub, email });

/** @param {Tokens} fresh */
function keep(fresh) {
  tokens = fresh;
  owner = fresh.sub;
  store(fresh);
  for (const go of waiters) go();
  waiters.clear();
}

/** @param {Tokens} fresh */
const store = (fresh) => sessionStorage.setItem(KEY, JSON.stringify(fresh));

/** Restore the session of this tab, unless the pool has ended it. */
async function restore() {
  const kept = sessionStorage.getItem(KEY);
  if (!kept) return;
  keep(JSON.parse(kept));
  // If the pool cannot be reached, the first request reports it.
  if (tokens && !isValid(tokens)) await renew().catch(() => {});
}

/** @param {Tokens} tokens */
const isValid = ({ expires_at }) => expires_at - AHEAD_S > Date.now() / 1000;

function forget() {
  tokens = null;
  sessionStorage.removeItem(KEY);
}

/** The address to which the login page returns. */
const home = () => `${location.origin}/`;
