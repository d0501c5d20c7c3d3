// @ts-check
/** What a user is called on the pages about models and in the audit record. */
import { element } from "./dom.js";
import { isMe } from "./permissions.js";
import { text } from "./text.js";

const LOCAL = "local";
const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
const SHORT = 8;

/**
 * The name by which colleagues know a user, or else the beginning of the id.
 * @param {string} id of a user, or what else acts
 * @param {Record<string, string>} [names] by id, as far as the server knows them
 */
export function userName(id, names = {}) {
  if (isMe(id)) return text.audit.me;
  if (id === LOCAL) return text.review.here;
  return names[id] ?? (UUID.test(id) ? id.slice(0, SHORT) : id);
}

/**
 * The same as an element whose tooltip is the whole id.
 * @param {string} id
 * @param {Record<string, string>} [names]
 */
export function userText(id, names = {}) {
  const name = userName(id, names);
  if (isMe(id) || id === LOCAL) return name;
  return element(names[id] ? "span" : "code", { title: id }, name);
}
