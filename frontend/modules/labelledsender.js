// @ts-check
/** Sends labelled images to the data bucket. What is there already, by content, is not sent again. */
import { Problem } from "./api.js";
import { digest } from "./fingerprint.js";
import { inspect } from "./imagefile.js";
import { fetchLabelledImages, openLabelledUploads } from "./modelapi.js";
import { withRetries } from "./retry.js";
import { classTitle } from "./tasks.js";
import { text } from "./text.js";
import { post } from "./upload.js";

/** @import { LabelledImage } from "./modeltypes.js" */
/** @import { Task } from "./types.js" */

/** Images that are announced in one request, and sent at once. */
const BATCH = 6;

/** @typedef {{file: File, label: string}} LabelledFile */
/** @typedef {{file: File, message: string}} Failure */
/** @typedef {LabelledFile & {image: LabelledImage}} Ready */

export class LabelledSender {
  /**
   * @param {Task} task
   * @param {() => void} onChange
   */
  constructor(task, onChange) {
    this.task = task;
    this.onChange = onChange;
    this.total = this.sent = this.known = 0;
    /** Files that cannot be used. @type {Failure[]} */
    this.failures = [];
    /** Classes by the digest of what is in the bucket, or has been sent. @type {Map<string, string>} */
    this.labels = new Map();
  }

  /** How many files have been dealt with. */
  get done() {
    return this.sent + this.known + this.failures.length;
  }

  /**
   * Can be repeated after it was stopped or failed: everything is looked at again, and nothing is sent twice.
   * @param {LabelledFile[]} files
   * @param {AbortSignal} signal
   * @throws {Problem} if the server cannot be reached, or refuses
   */
  async send(files, signal) {
    this.total = files.length;
    this.sent = this.known = 0;
    this.failures = [];
    this.onChange();
    await this.readKnown(signal);
    for (let begin = 0; begin < files.length; begin += BATCH) {
      /** @type {Ready[]} */
      const ready = [];
      for (const file of files.slice(begin, begin + BATCH)) {
        signal.throwIfAborted();
        const checked = await this.check(file);
        if (checked) ready.push(checked);
        this.onChange();
      }
      if (ready.length) await this.sendBatch(ready, signal);
    }
  }

  /** @param {AbortSignal} signal */
  async readKnown(signal) {
    /** @type {string | null} */
    let cursor = null;
    do {
      const page = await withRetries(() => fetchLabelledImages(this.task.name, cursor, signal), signal);
      for (const { label, sha256 } of page.images) this.labels.set(sha256, label);
      cursor = page.cursor;
    } while (cursor);
  }

  /**
   * @param {LabelledFile} labelled
   * @returns {Promise<Ready | null>} null if it is not to be sent
   */
  async check({ file, label }) {
    try {
      const { contentType } = await inspect(file);
      const sha256 = await digest(file);
      if (sha256 === null) throw new Problem(text.labelledUpload.insecure);
      const before = this.labels.get(sha256);
      if (before === label) {
        this.known++;
        return null;
      }
      if (before) throw new Problem(text.labelledUpload.otherClass(classTitle(this.task, before)));
      this.labels.set(sha256, label);
      return { file, label, image: { label, sha256, size: file.size, content_type: contentType } };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.failures.push({ file, message: error.message });
      return null;
    }
  }

  /**
   * @param {Ready[]} ready
   * @param {AbortSignal} signal
   */
  async sendBatch(ready, signal) {
    const forms = await withRetries(() => openLabelledUploads(this.task.name, ready.map(({ image }) => image), signal), signal).catch((error) => {
      this.forget(ready);
      throw error;
    });
    const sendings = ready.map(async (one, index) => {
      try {
        await withRetries(() => post(forms[index], one.file, signal, () => {}), signal);
        this.sent++;
        this.onChange();
      } catch (error) {
        this.forget([one]);
        throw error;
      }
    });
    // Wait for all, so that none goes on after the first has failed.
    const failed = (await Promise.allSettled(sendings)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  }

  /** @param {Ready[]} unsent */
  forget(unsent) {
    for (const { image } of unsent) this.labels.delete(image.sha256);
  }
}
