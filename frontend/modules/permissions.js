// @ts-check
/** What whoever uses the page may do here, as the API says. */
import { fetchMe } from "./api.js";
import { element } from "./dom.js";
import { text } from "./text.js";

/** @import { Me, Role } from "./types.js" */

/** Each may do what those before it may. @type {Role[]} */
const ROLES = ["reader", "reviewer", "admin"];

/** @type {Me} */
let me = { login: false, user: "", groups: [], role: null };

/** Ask the API; until it has answered, nobody may do anything. */
export async function loadPermissions() {
  me = await fetchMe();
  document.body.dataset.role = me.role ?? "none";
  return me;
}

/** @param {Role} role which it takes at least */
export const hasRole = (role) => me.role !== null && ROLES.indexOf(me.role) >= ROLES.indexOf(role);

/** Why there is no button, where the API would refuse. @param {string} what only admins may do */
export const adminsOnly = (what) => element("p", { className: "soft" }, text.records.onlyAdmins(what, "admin"));

/** @param {string | null | undefined} user as reviews name their reviewer */
export const isMe = (user) => me.login && user === me.user;
