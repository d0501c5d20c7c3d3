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
  run?: string;
  status: "candidate" | "rejected" | "accepted" | "current" | "previous";
  since: string | null;
}

/** The part of model.json that the page shows. */
export interface ModelFacts {
  metrics: { test: Record<string, Interval> };
  data: { split: Record<string, { images: number; groups: number }> };
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
}

export interface State {
  name: string;
  entered_at: string;
  exited_at: string | null;
}

export interface FollowedRetraining extends Retraining {
  states: State[];
  /** Latest metrics of the training job. */
  metrics: Record<string, number>;
  files: string[];
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
