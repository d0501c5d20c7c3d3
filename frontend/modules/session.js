// @ts-check
/**
 * Who is signed in: tokens of the user pool, kept for this tab alone, renewed before they run out. Where nobody has to sign
 * in there are none. What needs a token after the session has ended waits until somebody has signed in again.
 */
import { orAborted } from "./abort.js";
import { language } from "./text.js";

/** @import { Login, Tokens } from "./types.js" */

const LIBRARY = "/vendor/oidc-client-ts/oidc-client-ts.js";
const KEY = "negatoscope.session";
const SCOPE = "openid";

/** A token is renewed this long before it runs out, so that none does on its way. */
const AHEAD_S = 30;

/** How long a tab that has signed in for another one waits to hear from it. */
const HANDOVER_MS = 2_000;

/** Between the tabs of this page, which are of one origin. */
const channel = new BroadcastChannel(KEY);
/** The name by which another tab knows this one. */
const tab = crypto.randomUUID();

/** @type {Login | null} null where nobody has to sign in, or nothing is known of it yet */
let pool = null;
/** @type {any} of oidc-client-ts */
let library;
/** @type {any} its OidcClient */
let client;
/** @type {Tokens | null} */
let tokens = null;
/** Whose work the page holds, also while nobody is signed in. */
let owner = "";
/** @type {Promise<void> | null} */
let renewing = null;
/** @type {Set<() => void>} requests that wait for somebody to sign in */
const waiters = new Set();

/** What the page shows of it. */
export const listeners = {
  /** Nobody is signed in any more, and something waits for it. */
  onWait: () => {},
  /** Somebody is again. */
  onReturn: () => {},
};

/**
 * Learn where people sign in, and go on with what has been begun there.
 * @param {Login} login
 * @returns {Promise<"in" | "out" | "handed over">} the last where this tab has signed in for another one, which goes on
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

/** @returns {string | undefined} the address by which the signed-in person is known to the pool */
export const email = () => tokens?.email;

/**
 * Go to the login page; whoever comes back finds the view that is open now.
 * @param {string} [requester] the tab that this one signs in for
 * @returns {Promise<never>}
 */
export async function signIn(requester) {
  // What signs people in could not be had.
  if (!client) location.reload();
  const { url } = await client.createSigninRequest({ state: { requester, view: location.hash }, extraQueryParams: { lang: language } });
  location.replace(url);
  return new Promise(() => {});
}

/** Sign in again without leaving this page: in another tab, which hands over what it gets. */
export const signInInNewTab = () => open(`/?${new URLSearchParams({ "sign-in": tab })}`, "_blank", "noopener");

/** Leave nothing behind: neither here, nor in other tabs, nor at the login page. */
export async function signOut() {
  const revoked = tokens?.refresh_token;
  forget();
  channel.postMessage({ signedOut: true });
  // It runs out by itself if the pool cannot be reached.
  if (revoked) await client.revokeToken(revoked, "refresh_token").catch(() => {});
  location.assign(`${pool?.origin}/logout?${new URLSearchParams({ client_id: pool?.client_id ?? "", logout_uri: home() })}`);
}

/**
 * @param {AbortSignal | null} [signal]
 * @returns {Promise<string | null>} what the API wants to see; null where nobody has to sign in
 * @throws {Error} if the pool cannot be reached
 */
export async function token(signal) {
  if (!pool) return null;
  return tokens && isValid(tokens) ? tokens.id_token : renewToken(tokens?.id_token, signal);
}

/**
 * @param {string | undefined} stale the token that is good no more
 * @param {AbortSignal | null} [signal]
 * @returns {Promise<string>} another one
 * @throws {Error} if the pool cannot be reached
 */
export async function renewToken(stale, signal) {
  if (tokens && tokens.id_token === stale) await (renewing ??= renew().finally(() => (renewing = null)));
  while (!tokens) await signedIn(signal);
  return tokens.id_token;
}

/** Get new tokens without asking anybody; where the pool refuses, the session is over. */
async function renew() {
  const { refresh_token, sub } = /** @type {Tokens} */ (tokens);
  try {
    // Without the token before, since pools that rotate refresh tokens have given each renewal a time of its own as auth_time.
    const fresh = await client.useRefreshToken({ state: { refresh_token, scope: SCOPE, profile: {} } });
    if (fresh.profile.sub !== sub) throw new Error("The tokens are somebody else's.");
    keep({ ...tokensOf(fresh), refresh_token: fresh.refresh_token ?? refresh_token });
  } catch (error) {
    if (!(error instanceof library.ErrorResponse)) throw error;
    forget();
  }
}

/**
 * Wait until somebody has signed in again.
 * @param {AbortSignal | null} [signal]
 * @returns {Promise<void>}
 */
async function signedIn(signal) {
  signal?.throwIfAborted();
  listeners.onWait();
  /** @type {() => void} */
  let go = () => {};
  const back = new Promise((resolve) => waiters.add((go = () => resolve(undefined))));
  // What was cancelled is not waited for any more.
  await (signal ? orAborted(back, signal).finally(() => waiters.delete(go)) : back);
}

/** Come back from the login page. */
async function finish() {
  const address = location.href;
  // The code is worth nothing a second time, and no address shall hold it.
  history.replaceState(null, "", "/");
  const response = await client.processSigninResponse(address);
  const { requester, view } = response.userState;
  if (requester && (await handOver(requester, tokensOf(response)))) return "handed over";
  history.replaceState(null, "", `/${view}`);
  keep(tokensOf(response));
  return "in";
}

/**
 * @param {string} other a tab
 * @param {Tokens} given
 * @returns {Promise<boolean>} whether it is there and has taken them
 */
function handOver(other, given) {
  return new Promise((resolve) => {
    const answer = (/** @type {MessageEvent} */ { data }) => data.taken === other && resolve(true);
    channel.addEventListener("message", answer);
    channel.postMessage({ to: other, given });
    setTimeout(() => resolve(false), HANDOVER_MS);
  });
}

/** @param {MessageEvent} message of another tab */
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
    // Nobody goes on with another person's work: what waits is not sent, and the page begins anew.
    store(data.given);
    location.reload();
  }
}

/**
 * What is worth keeping of the pool's answer.
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

/** Go on with what this tab has kept, unless the pool says that it is over. */
async function restore() {
  const kept = sessionStorage.getItem(KEY);
  if (!kept) return;
  keep(JSON.parse(kept));
  // Whoever cannot reach the pool now hears so from the first request.
  if (tokens && !isValid(tokens)) await renew().catch(() => {});
}

/** @param {Tokens} tokens */
const isValid = ({ expires_at }) => expires_at - AHEAD_S > Date.now() / 1000;

function forget() {
  tokens = null;
  sessionStorage.removeItem(KEY);
}

/** Where the login page leads back to. */
const home = () => `${location.origin}/`;
