/** Types of the API's responses about batches (source: GET /api/openapi.json). */

export type BatchKind = "folder" | "list" | "inventory" | "again";

export interface BatchRequest {
  task: string;
  source?: string;
  again?: true;
  concurrency: number;
}

/** What a batch would take if every image had to be classified. */
export interface BatchEstimate {
  /** null for an inventory, which is not read before the batch. */
  images: number | null;
  /** Whether all were counted. */
  complete: boolean;
  dollars: number | null;
  seconds: number | null;
  /** Whether a transform job classifies. */
  transform: boolean;
}

export interface StartedBatch {
  /** null if only an estimate was wanted. */
  name: string | null;
  task: string;
  kind: BatchKind;
  source: string;
  estimate: BatchEstimate;
}

export interface Batch {
  name: string;
  task: string;
  kind: BatchKind;
  source: string;
  concurrency: number;
  requested_at: string;
  requested_by: string;
  status: "running" | "stopped" | "failed" | "ended";
  /** Why it failed. */
  outcome: string | null;
  passes: number;
}

/** The images of the latest pass, in the step that it is at. Those of a part change together. */
export interface BatchProgress {
  /** Lambdas classify; or they prepare, a transform job classifies, and they record its answers. */
  step: "classify" | "prepare" | "transform" | "record";
  images: number;
  done: number;
  failed: number;
  running: number;
  pending: number;
}

export interface BatchReport {
  images: number;
  classified: number;
  current: number;
  deleted: number;
  skipped: number;
  failed: number;
  /** Numbers of files by the code of the reason. */
  failures: Record<string, number>;
  changes: { before: string; after: string; images: number }[];
  written_at: string;
}

export interface FollowedBatch extends Batch {
  estimate: BatchEstimate;
  /** null until the images are listed, and when it has been forgotten. */
  progress: BatchProgress | null;
  report: BatchReport | null;
  /** A link to the list of files without a result, valid for 15 minutes. */
  failures: string | null;
}

/** A file without a result. */
export interface BatchFailure {
  key: string;
  code: string;
  message: string;
}
