// @ts-check
/** Polls something that changes on the server, as long as its view is open and the page is visible. */
import { Problem } from "./api.js";
import { element, fill } from "./dom.js";
import { pause } from "./retry.js";
import { note } from "./sheet.js";
import { text } from "./text.js";

export class Poller {
  /**
   * @param {() => Promise<boolean>} poll returns whether to go on
   * @param {number} wait milliseconds
   * @param {AbortSignal} signal aborted when the view is closed
   */
  constructor(poll, wait, signal) {
    this.poll = poll;
    this.wait = wait;
    this.signal = signal;
    /** Shows that data is loading, or what is wrong; to be placed beside the data. */
    this.problem = element("div", {}, element("p", { className: "soft" }, text.page.loading));
    this.succeeded = false;
    /** The poll that was begun last. @type {Promise<boolean>} */
    this.polling = Promise.resolve(true);
    this.run();
  }

  async run() {
    while (!this.signal.aborted && (await this.once())) await pause(this.wait, this.signal).catch(() => {});
  }

  /** Poll now, but after a poll under way: an earlier answer must not replace a later one. */
  once() {
    return (this.polling = this.polling.then(() => this.ask()));
  }

  async ask() {
    if (document.hidden) return true;
    try {
      const more = await this.poll();
      this.succeeded = true;
      fill(this.problem);
      return more;
    } catch (error) {
      if (this.signal.aborted) return false;
      if (this.succeeded && error instanceof Problem) fill(this.problem, element("p", { className: "soft" }, text.worklist.offline));
      else fill(this.problem, note(error, () => this.run()));
      return this.succeeded;
    }
  }
}
