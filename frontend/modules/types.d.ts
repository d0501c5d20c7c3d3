/** Types of the API's responses (source: GET /api/openapi.json) and of the page's own state. */

export interface Interval {
  value: number;
  low: number;
  high: number;
}

export interface TaskModel {
  backend: "embedded" | "endpoint";
  /** Name of the SageMaker endpoint that serves the task. Nothing but its name is known before it answers. */
  endpoint: string | null;
  version: string | null;
  created_at: string | null;
  sha256: string | null;
  metrics: Record<string, Interval>;
  /** Metrics below the task's gate. */
  shortfall: { metric: string; value: number | null; least: number }[];
  /** When it was deployed; null if it came with the application, or is configured in the task file. */
  since: string | null;
}

export interface Task {
  name: string;
  title: string;
  modality: string;
  intended_use: string;
  limits: string[];
  classes: { name: string; title: string }[];
  /** Minimum of each metric for a new model. */
  gate: { metrics: Record<string, number>; max_sensitivity_drop: number };
  /** Model input. */
  input: { width: number; height: number; channels: 1 | 3; fit: "pad" | "stretch" };
  /** The review rule. */
  review: { min_probability: number; min_margin: number; min_accuracy: number };
  model: TaskModel | null;
}

export interface Catalogue {
  tasks: Task[];
  disclaimer: string;
}

export interface Health {
  stage: string;
  version: string;
  data_bucket?: string;
  login?: Login | null;
  /** The size of the largest image that one API call accepts. */
  max_image_bytes?: number;
}

/** The login page of the user pool, and the client id of this page. */
export interface Login {
  origin: string;
  client_id: string;
}

export type Role = "reader" | "reviewer" | "admin";

export interface Me {
  login: boolean;
  user: string;
  groups: string[];
  /** null: no permissions. */
  role: Role | null;
}

export interface Tokens {
  id_token: string;
  refresh_token: string;
  /** Seconds since the epoch, by this device's clock. */
  expires_at: number;
  sub: string;
  email?: string;
}

export interface Reason {
  code: string;
  message: string;
}

/** Row-major activations, 0 to 1, that cover the whole image. */
export interface HeatMap {
  width: number;
  height: number;
  values: number[];
}

export interface Source {
  format: string;
  rows: number;
  columns: number;
  modality?: string | null;
  laterality?: string | null;
  view_position?: string | null;
  frame?: number | null;
  frames?: number | null;
  transfer_syntax?: string | null;
}

export interface Review {
  label: string;
  comment?: string | null;
  reviewed_at: string;
  reviewer?: string | null;
}

export interface Result {
  id: string;
  task: string;
  status: "classified" | "received" | "quarantined";
  label: string | null;
  probability: number | null;
  probabilities: Record<string, number>;
  needs_review: boolean;
  reasons: Reason[];
  /** Absent in lists, to keep them small. */
  heatmap?: HeatMap | null;
  distance?: number | null;
  /** Without `sha256`, the model came in no package: it gives no heat map and does not detect out-of-distribution images. */
  model: { version: string; sha256: string | null; backend: string } | null;
  source: Source | null;
  /** "device": computed in this browser, unknown to the server. */
  arrival: "api" | "upload" | "drop-folder" | "device";
  created_at: string;
  classified_at: string | null;
  review: Review | null;
  /** All readings, oldest first, among them the review. Absent in lists. */
  readings?: Review[];
  disclaimer: string;
}

export interface ResultPage {
  results: Result[];
  cursor: string | null;
}

/** Filters of a list or an export, named like the API's parameters; null means no filter. */
export interface Selection {
  task: string | null;
  label: string | null;
  status: Result["status"] | null;
  needs_review: boolean | null;
  reviewed: boolean | null;
  /** ISO 8601 timestamps: inclusive start, exclusive end. */
  from: string | null;
  to: string | null;
  order: "newest" | "oldest";
}

export interface UploadTicket {
  id: string;
  upload: { url: string; fields: Record<string, string> };
  expires_at: string;
  /** A time before the result's `created_at`, by the server's clock. */
  since: string;
}

/** The route in the address, after `#`. */
export type Route =
  | { name: "home" }
  | { name: "task"; task: string }
  | { name: "result"; id: string }
  | { name: "models"; task: string }
  | { name: "version"; task: string; version: string }
  | { name: "retrainings"; task: string }
  | { name: "retraining"; retraining: string };
