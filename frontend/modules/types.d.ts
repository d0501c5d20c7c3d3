/** Shapes of the API's answers (GET /api/openapi.json is their source) and of the page's own state. */

export interface Interval {
  value: number;
  low: number;
  high: number;
}

export interface TaskModel {
  backend: "embedded" | "endpoint";
  /** Name of the SageMaker endpoint that answers; nothing else but its name is known of it before it does. */
  endpoint: string | null;
  version: string | null;
  created_at: string | null;
  sha256: string | null;
  metrics: Record<string, Interval>;
  /** What the task asks for and the model did not reach in its test. */
  shortfall: { metric: string; value: number | null; least: number }[];
  /** When it was deployed; null if it came with the application, or is named by it. */
  since: string | null;
}

export interface Task {
  name: string;
  title: string;
  modality: string;
  intended_use: string;
  limits: string[];
  classes: { name: string; title: string }[];
  /** What a newly trained model must reach: the least of each metric. */
  gate: { metrics: Record<string, number>; max_sensitivity_drop: number };
  /** What a model of this task takes. */
  input: { width: number; height: number; channels: 1 | 3; fit: "pad" | "stretch" };
  /** When a person should look as well. */
  review: { min_probability: number; min_margin: number };
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

/** Where people sign in: the user pool's own page, and the name of this one there. */
export interface Login {
  origin: string;
  client_id: string;
}

export type Role = "reader" | "reviewer" | "admin";

export interface Me {
  login: boolean;
  user: string;
  groups: string[];
  /** null: may do nothing. */
  role: Role | null;
}

export interface Tokens {
  id_token: string;
  refresh_token: string;
  /** Seconds since 1970, by this device's clock. */
  expires_at: number;
  sub: string;
  email?: string;
}

export interface Reason {
  code: string;
  message: string;
}

/** Row-major activations, 0 to 1, that lie over the whole original image. */
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
  /** Absent in lists, which leave it out to stay small. */
  heatmap?: HeatMap | null;
  distance?: number | null;
  /** Without `sha256`, the model came in no package: it gives no heat map and cannot tell unfamiliar images. */
  model: { version: string; sha256: string | null; backend: string } | null;
  source: Source | null;
  /** "device": it was computed in this browser, and no server knows of it. */
  arrival: "api" | "upload" | "drop-folder" | "device";
  created_at: string;
  classified_at: string | null;
  review: Review | null;
  disclaimer: string;
}

export interface ResultPage {
  results: Result[];
  cursor: string | null;
}

/** Which results a list or an export holds, under the names of the API's parameters; null lets everything through. */
export interface Selection {
  task: string | null;
  label: string | null;
  status: Result["status"] | null;
  needs_review: boolean | null;
  reviewed: boolean | null;
  /** Points in time, ISO 8601: the first that counts, and the first that does not any more. */
  from: string | null;
  to: string | null;
  order: "newest" | "oldest";
}

export interface UploadTicket {
  id: string;
  upload: { url: string; fields: Record<string, string> };
  expires_at: string;
  /** A time that is surely before the result's `created_at`, by the server's clock. */
  since: string;
}

/** What stands in the address: the part after `#`. */
export type Route =
  | { name: "home" }
  | { name: "task"; task: string }
  | { name: "result"; id: string }
  | { name: "models"; task: string }
  | { name: "version"; task: string; version: string }
  | { name: "retrainings"; task: string }
  | { name: "retraining"; retraining: string };
