// @ts-check
/** What the current user may do, according to the API. */
import { fetchMe } from "./api.js";
import { element } from "./dom.js";
import { text } from "./text.js";

/** @import { Me, Role } from "./types.js" */

/** Each role includes those before it. @type {Role[]} */
const ROLES = ["reader", "reviewer", "admin"];

/** @type {Me} */
let me = { login: false, user: "", groups: [], role: null, tasks: null };

/** Load the permissions; until then, nothing is allowed. */
export async function loadPermissions() {
  me = await fetchMe();
  document.body.dataset.role = me.role ?? "none";
  return me;
}

/** The id of the current user, as in reviews. */
export const user = () => me.user;

/** @param {Role} role the minimum */
export const hasRole = (role) => me.role !== null && ROLES.indexOf(me.role) >= ROLES.indexOf(role);

/** Shown in place of a button that the API would refuse. @param {string} what only administrators can do */
export const adminsOnly = (what) => element("p", { className: "soft" }, text.modelPages.onlyAdmins(what, "admin"));

/** @param {string | null | undefined} user id, as in reviews */
export const isMe = (user) => me.login && user === me.user;
