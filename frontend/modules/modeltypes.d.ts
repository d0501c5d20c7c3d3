/** Types of the API's responses about models and retraining (source: GET /api/openapi.json). */
import type { Interval } from "./types";

export interface ModelVersion {
  task: string;
  version: string;
  sha256: string;
  created_at: string;
  registered_at: string;
  metrics: Record<string, Interval>;
  parent: string | null;
  decision: { accepted: boolean; reasons: string[]; decided_at: string } | null;
  endpoint: string | null;
  /** "bundled", or "retraining"; then `run` is the name of the retraining. */
  origin?: string;
  source?: { stage: string };
  run?: string;
  status: "candidate" | "rejected" | "accepted" | "current" | "previous";
  since: string | null;
}

/** The part of model.json that the page shows. */
export interface ModelFacts {
  metrics: {
    test: Record<string, Interval> & { review?: { share: number; accuracy_of_rest: Interval } };
    validation?: Record<string, Interval>;
  };
  curves?: { reliability?: { after?: Reliability } };
  data: { split: Record<string, { images: number; groups: number }> };
}

/** Test images by fifteenths of the probability; those without images are left out. */
export interface Reliability {
  confidence: number[];
  accuracy: number[];
  images: number[];
}

export interface Deployment {
  version: string;
  previous: string | null;
}

export interface Drift {
  report: {
    drifted: boolean;
    answers: number;
    until: string;
    aspects: { aspect: "labels" | "confidence" | "distance"; psi: number; drifted: boolean }[];
  } | null;
  /** Why there is no report. */
  reason: string | null;
  /** The same, for translations. */
  missing?: { code: string; answers: number | null; needed: number | null } | null;
}

export interface RetrainingRequest {
  task: string;
  hyperparameters?: Record<string, number | string>;
  tune?: number;
  force?: boolean;
  approval?: boolean;
  spot?: boolean;
  reason?: string;
}

export interface LabelledImage {
  label: string;
  sha256: string;
  size: number;
  content_type: string;
}

export interface TrainingCounts {
  images: number;
  reviews: number;
  new_images: number;
  new_reviews: number;
}

export interface TrainingData {
  total: TrainingCounts;
  /** Whether everything was counted. */
  complete: boolean;
  classes: Record<string, TrainingCounts>;
  unplaced: number;
  model: string | null;
  since: string | null;
  demand: { each_class: number; largest_class: number };
  lacking: string[];
  enough: boolean;
}

export interface Retraining {
  name: string;
  task: string;
  status: "running" | "deployed" | "rejected" | "unchanged" | "skipped" | "failed" | "stopped" | "ended";
  started_at: string;
  ended_at: string | null;
  reason: string;
  requested_by: string;
  hyperparameters: Record<string, number | string>;
  trials: number;
  data: { images?: number; corrections?: number; split?: Record<string, { images: number; groups: number }> };
  current: string | null;
  candidate: string | null;
  accepted: boolean | null;
  outcome: string | null;
  waiting_for?: "approval" | null;
  stopped_by?: string;
  scores?: { images: number; candidate: number; current: number | null } | null;
}

export interface State {
  name: string;
  entered_at: string;
  exited_at: string | null;
}

/** One pass over the training images. */
export interface Epoch {
  number: number;
  train_loss: number;
  validation_loss: number;
  validation_balanced_accuracy: number;
}

export interface FollowedRetraining extends Retraining {
  states: State[];
  /** Latest metrics of the training job. */
  metrics: Record<string, number>;
  files: string[];
  /** Of those who started and stopped it, by id; only those that the server knows. */
  names?: Record<string, string>;
}

export interface RetrainingPage {
  retrainings: Retraining[];
  cursor: string | null;
}

/** A hyperparameter, as described by the API. */
export interface Hyperparameter {
  type: "integer" | "number" | "string";
  description: string;
  minimum?: number;
  maximum?: number;
  enum?: (string | number)[];
}

/** A proportion with its 95 % interval; null without any cases. */
export interface Proportion {
  count: number;
  of: number;
  value: number | null;
  low: number | null;
  high: number | null;
}

/** A model's answers to a group of images, compared with their reviews. */
export interface ReviewedGroup {
  answers: number;
  agreement: Proportion;
  /** Rows: class of the review; columns: class of the model. */
  confusion: number[][];
  per_class: { name: string; sensitivity: Proportion; specificity: Proportion }[];
  finding: { negative: string; sensitivity: Proportion; specificity: Proportion } | null;
  calibration: { low: number; high: number; confidence: number; agreement: Proportion }[];
  calibration_error: number | null;
  weeks: { monday: string; agreement: Proportion }[];
}

export type GroupName = "all" | "marked" | "unmarked";

export interface ReviewStatistics extends Record<GroupName, ReviewedGroup> {
  classes: string[];
  model: string | null;
  /** Whether all images of the period were counted. */
  complete: boolean;
  counted_from: string | null;
  outdated: number;
  /** Numbers of answers by hundredths of their probability. */
  probabilities: { answers: number[]; reviewed: number[]; agreed: number[] };
  models: { version: string; answers: number; reviewed: number }[];
}

/** Which answers of the model in use need a review. */
export interface ModelReviewRule {
  version: string | null;
  min_probability: number;
  /** The model's own. */
  own: number;
  /** Why the rule cannot be changed. */
  fixed: "below-gate" | "no-threshold" | "unknown-model" | null;
  changed_by: string | null;
  changed_at: string | null;
}

export interface PairAgreement {
  /** A reader, as readings name them. */
  first: string;
  /** null: the model. */
  second: string | null;
  agreement: Proportion;
  /** Images that the readers of the pair read blind. */
  blind: number;
  kappa: number | null;
  low: number | null;
  high: number | null;
}

export interface Agreement {
  task: string;
  images: number;
  complete: boolean;
  counted_from: string | null;
  /** What colleagues know readers by, by their ids. */
  names: Record<string, string>;
  readers: PairAgreement[];
  model: PairAgreement[];
}
