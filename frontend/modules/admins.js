// @ts-check
/** What only admins may do. The API decides; the page spares others the buttons that it would refuse, and says why. */
import { element } from "./dom.js";
import { text } from "./text.js";

/** @import { Me } from "./recordtypes.js" */

const ADMIN = "admin";

/** @param {Me} me */
export const isAdmin = ({ groups }) => groups.includes(ADMIN);

/** Why there is no button. @param {string} what only admins may do */
export const onlyAdmins = (what) => element("p", { className: "soft" }, text.records.onlyAdmins(what, ADMIN));
