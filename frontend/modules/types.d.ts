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
  /** Lowest probability without a review, if an administrator has chosen one. */
  min_probability?: number | null;
}

export interface Task {
  name: string;
  /** Of the titles, the intended use and the limits. */
  language: string;
  title: string;
  modality: string;
  intended_use: string;
  limits: string[];
  classes: { name: string; title: string }[];
  /** Display windows for its images; unknown to a catalogue that was kept before version 0.3. */
  windows?: TaskWindow[];
  /** Minimum of each metric for a new model. */
  gate: { metrics: Record<string, number>; max_sensitivity_drop: number };
  /** Model input. */
  input: { width: number; height: number; channels: 1 | 3; fit: "pad" | "stretch" };
  /** The review rule. */
  review: { min_probability: number; min_margin: number; min_accuracy: number };
  model: TaskModel | null;
}

/** Either a share of the window with which an image opens, or a window in the values of a DICOM file. */
export interface TaskWindow {
  name: string;
  title: string;
  /** Percent of the window with which an image opens, shown black and white. */
  black: number | null;
  white: number | null;
  /** In rescaled values. */
  center: number | null;
  width: number | null;
}

export interface Catalogue {
  tasks: Task[];
  disclaimer: string;
}

export interface Stage {
  stage: string;
  version: string;
  data_bucket: string;
  /** The size of the largest image that one API call accepts. */
  max_image_bytes: number;
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
  /** The tasks that the user may see; null: all. */
  tasks: string[] | null;
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
  /** Millimetres between rows and between columns of the file. */
  pixel_spacing?: [number, number] | null;
}

export interface GreyScale {
  slope: number;
  intercept: number;
  inverted: boolean;
  /** Values shown black and white; at least one. */
  windows: { low: number; high: number; name: string | null }[];
}

/** The file that GET /results/{id}/picture leads to. */
export interface DisplayPicture {
  sha256: string;
  media_type: string;
  width: number;
  height: number;
  /** What the samples mean; null if the picture is shown as it is. */
  grey: GreyScale | null;
}

/** One of the frames that GET /results/{id}/frames lists. */
export interface FramePicture {
  /** Its number, from 1. */
  frame: number;
  picture: DisplayPicture;
}

export interface Review {
  label: string;
  comment?: string | null;
  reviewed_at: string;
  reviewer?: string | null;
  /** What colleagues know the person by. */
  reviewer_name?: string;
  /** The person saw neither the model's answer nor other readings. */
  blind?: true;
  /** It settled a disagreement between readers. */
  adjudication?: true;
  withdrawn?: true;
}

export interface Result {
  id: string;
  /** The user reads blind: the answer and other readings are left out. Known to the page only. */
  concealed?: true;
  task: string;
  /** "deleted": only in the answer to a deletion. */
  status: "classified" | "received" | "quarantined" | "deleted";
  label: string | null;
  probability: number | null;
  probabilities: Record<string, number>;
  needs_review: boolean;
  reasons: Reason[];
  /** Absent in lists, to keep them small. */
  heatmap?: HeatMap | null;
  distance?: number | null;
  /** Without `sha256`, the model came in no package: it gives no heat map and does not detect out-of-distribution images. */
  model: { version: string; sha256: string | null; backend: string; min_probability?: number | null } | null;
  source: Source | null;
  /** Absent in lists, and for results of this device. */
  picture?: DisplayPicture | null;
  /** How many frames of the file have a display picture; absent likewise, and null for files with one frame. */
  frames?: { kept: number; sha256: string } | null;
  /** "device": computed in this browser, unknown to the server. */
  arrival: "api" | "upload" | "drop-folder" | "archive" | "device";
  created_at: string;
  classified_at: string | null;
  review: Review | null;
  /** The file of an upload has not arrived yet. */
  uploading?: true;
  hidden?: { by: string; at: string } | null;
  /** Users whose readings stand. */
  readers: string[];
  /** They say different classes, and nobody has settled that. */
  disagreement: boolean;
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
  /** The class that the review gives. */
  reviewed_label?: string | null;
  /** Version of the model. */
  model?: string | null;
  status: Result["status"] | null;
  needs_review: boolean | null;
  reviewed: boolean | null;
  read_by: string | null;
  not_read_by: string | null;
  min_readers: number | null;
  disagreement: boolean | null;
  /** A text in the id, the class or the review. */
  search: string | null;
  /** Hidden results instead of all others. */
  hidden?: boolean | null;
  /** ISO 8601 timestamps: inclusive start, exclusive end. */
  from: string | null;
  to: string | null;
  order: "newest" | "oldest" | "least-sure" | "most-sure";
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
  | { name: "example"; task: string }
  | { name: "result"; id: string }
  | { name: "models"; task: string }
  | { name: "people"; task: string }
  | { name: "version"; task: string; version: string }
  | { name: "retrainings"; task: string }
  | { name: "retraining"; retraining: string }
  | { name: "batches"; task: string }
  | { name: "batch"; batch: string }
  | { name: "audit" };
