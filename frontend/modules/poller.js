// @ts-check
/** Looks again and again at something that changes by itself, as long as somebody is there to see it. */
import { Problem } from "./api.js";
import { element, fill } from "./dom.js";
import { pause } from "./retry.js";
import { note } from "./sheet.js";
import { text } from "./text.js";

export class Poller {
  /**
   * @param {() => Promise<boolean>} look whether there is anything left to wait for
   * @param {number} wait milliseconds
   * @param {AbortSignal} signal tells when nobody looks any more
   */
  constructor(look, wait, signal) {
    this.look = look;
    this.wait = wait;
    this.signal = signal;
    /** What is wrong, if anything is, or that nothing has come yet; to be shown beside what is looked at. */
    this.problem = element("div", {}, element("p", { className: "soft" }, text.page.loading));
    this.succeeded = false;
    this.on();
  }

  async on() {
    while (!this.signal.aborted && (await this.once())) await pause(this.wait, this.signal).catch(() => {});
  }

  /** Look now. */
  async once() {
    if (document.hidden) return true;
    try {
      const more = await this.look();
      this.succeeded = true;
      fill(this.problem);
      return more;
    } catch (error) {
      if (this.signal.aborted) return false;
      if (this.succeeded && error instanceof Problem) fill(this.problem, element("p", { className: "soft" }, text.worklist.offline));
      else fill(this.problem, note(error, () => this.on()));
      return this.succeeded;
    }
  }
}
