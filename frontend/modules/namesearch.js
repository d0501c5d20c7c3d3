// @ts-check
/** Finds results by the names of their files, which only this browser knows, without reading the whole list; loaded on first use. */
import { Problem, fetchResult } from "./api.js";
import { idsNamed } from "./filenames.js";
import { isSelected } from "./selection.js";

/** @import { ResultList } from "./resultlist.js" */
/** @import { Result } from "./types.js" */
/** @import { Worklist } from "./worklist.js" */

/** A pause in typing after which results are asked for. */
const TYPING_MS = 400;
/** Results that are asked for, those of the latest files; the others are found by reading the list. */
const MAX_ASKED = 100;
const AT_ONCE = 4;

export class NameSearch {
  /** @param {Worklist} worklist */
  constructor(worklist) {
    this.worklist = worklist;
    this.wanted = "";
    /** The list that has all results of the wanted name. @type {ResultList | null} */
    this.complete = null;
    /** The list that also has results which it would show further below. @type {ResultList | null} */
    this.extended = null;
  }

  /** @param {ResultList} list */
  isComplete(list) {
    return this.complete === list;
  }

  /** @param {string} wanted a part of the name */
  async find(wanted) {
    const { worklist } = this;
    const { list } = worklist;
    this.wanted = wanted;
    this.complete = null;
    if (!wanted) {
      if (list === this.extended) worklist.restart();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, TYPING_MS));
    const isOver = () => wanted !== this.wanted || list !== worklist.list;
    const ids = idsNamed(wanted);
    const missing = ids.slice(0, MAX_ASKED).filter((id) => !list.known.has(id));
    const found = await fetchAll(missing, isOver);
    if (isOver()) return;
    const selected = found.filter((result) => isSelected(result, list.selection) && !list.known.has(result.id));
    if (selected.length) this.extended = list;
    list.keep(selected);
    if (ids.length <= MAX_ASKED) this.complete = list;
    worklist.render();
  }
}

/**
 * The results that still exist.
 * @param {string[]} ids
 * @param {() => boolean} isOver
 */
async function fetchAll(ids, isOver) {
  const left = [...ids];
  /** @type {Result[]} */
  const found = [];
  const work = async () => {
    for (let id = left.shift(); id && !isOver(); id = left.shift()) {
      try {
        found.push(await fetchResult(id));
      } catch (error) {
        // Deleted, or not for this user.
        if (!(error instanceof Problem && error.status && error.status < 500)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}
