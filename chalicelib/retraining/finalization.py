"""How a retraining ends: its outcome is recorded, the task unlocked, and a failed deployment rolled back."""

from contextlib import suppress
from dataclasses import dataclass

from chalicelib import timestamps
from chalicelib.errors import UnknownModel
from chalicelib.models.deployment import Deployment
from chalicelib.models.unused_endpoint import delete_unused
from chalicelib.observability import count
from chalicelib.retraining.candidate import Candidates
from chalicelib.retraining.creation_checker import FAILED
from chalicelib.retraining.failure import explain, reason_of
from chalicelib.retraining.jobs import stop_jobs
from chalicelib.retraining.notification import notification
from chalicelib.retraining.payloads import (
    ApprovalAnswer,
    Candidate,
    Creation,
    EndpointState,
    Failure,
    GateDecision,
    Notification,
    Rollback,
    SmokeTest,
    TaskError,
)
from chalicelib.retraining.planning.plan import Plan
from chalicelib.retraining.repository import RetrainingRepository
from chalicelib.retraining.rollout import Rollout

_CHANGES_ENDPOINT = ("DeploymentFailed", "SmokeTestFailed", "PromotionFailed")
"""Only these failures can leave an endpoint that has to be rolled back."""


@dataclass(frozen=True)
class Finalization:
    """The last steps of a retraining. See `Steps` for the names of their arguments."""

    repository: RetrainingRepository
    candidates: Candidates
    rollout: Rollout

    def finalize_deployed(self, plan: Plan, candidate: Candidate, decision: GateDecision) -> Notification:
        """End with a new model."""
        message = f"{decision['reasons']} {candidate['version']} classifies from now on."
        return self._end_deployed(plan, message)

    def finalize_rejected(self, plan: Plan, decision: GateDecision) -> Notification:
        """End with a candidate that did not pass the gate."""
        self.rollout.endpoint_manager.forget(plan["name"])
        return self._end(plan, "rejected", f"{decision['reasons']} The current model stays.")

    def finalize_declined(
        self, plan: Plan, candidate: Candidate, approval: ApprovalAnswer | None = None
    ) -> Notification:
        """End with a candidate that was declined, or not approved in time (`approval` is missing then)."""
        message = _describe_answer(approval)
        self.candidates.refuse(plan, candidate, message)
        self.rollout.endpoint_manager.forget(plan["name"])
        return self._end(plan, "rejected", message)

    def finalize_unchanged(self, plan: Plan) -> Notification:
        """End without a training."""
        return self._end(
            plan,
            "unchanged",
            "The current model was trained on exactly these images and labels, so there is nothing new to "
            'learn. {"force": true} trains anyway.',
        )

    def roll_back(
        self,
        plan: Plan,
        failed: Failure,
        error: TaskError | None = None,
        candidate: Candidate | None = None,
        endpoint: EndpointState | None = None,
        creation: Creation | None = None,
        smoke_test: SmokeTest | None = None,
    ) -> Rollback:
        """Leave nothing half-deployed, and end with the cause; to be repeated until it is settled.

        Args:
            plan: of the retraining.
            failed: the state that says what failed.
            error: that was caught, if one was.
            candidate: if there is one already.
            endpoint: before the deployment, if it came to that.
            creation: the last creation that was looked for.
            smoke_test: if there was one.
        """
        current = self.candidates.registry.current(plan["task"])
        version = candidate["version"] if candidate else None
        if current and current.has_deployed(version):
            # The failure came after the promotion. Reverting now would be an unrequested change.
            since = "classifies from now on" if current.version == version else "was deployed and rolled back"
            cause = f"{version} {since}, but recording that failed. {reason_of(error or {})}"
            end = self._end_deployed(plan, cause)
            return {"settled": True, "error": failed, "cause": cause, **end}
        cause = self._cause(plan, failed, _error(error, creation, smoke_test))
        stop_jobs(plan, self.candidates.sagemaker())
        if failed in _CHANGES_ENDPOINT:
            before = _config_before(plan, endpoint, current)
            if not self.rollout.restore(plan, before):
                return {"settled": False, "error": failed, "cause": cause}
            cause += self._without_endpoint(current)
        self.rollout.endpoint_manager.forget(plan["name"])
        if candidate:
            # A damaged package may have no record yet.
            with suppress(UnknownModel):
                self.candidates.refuse(plan, candidate, cause)
        return {"settled": True, "error": failed, "cause": cause, **self._end(plan, "failed", cause)}

    def report_failed_rollback(self, plan: Plan, error: TaskError) -> Notification:
        """Announce that a failed retraining could not be rolled back.

        The lock stays with this execution: the next retraining of the task takes it over, and first finishes
        what is left.
        """
        count("RollbackFailed", plan["task"])
        message = (
            "The retraining failed, and its deployment could not be rolled back: "
            f"{reason_of(error)} {self.rollout.describe(plan['serving'])} "
            "The current model answers, from its package if need be. Remove the cause, then retrain the "
            "task: that finishes the rollback first."
        )
        self._record_end(plan, "failed", message)
        return notification(plan, "a failed retraining could not be rolled back", message)

    def _without_endpoint(self, current: Deployment | None) -> str:
        """What to do if the endpoint of the deployed version is gone; empty if it is not, or has none."""
        name = current.endpoint if current else None
        if name is None or self.rollout.endpoint_manager.find(name):
            return ""
        return f" Its endpoint {name} is gone; the Lambda runs the model until `make wake` creates it again."

    def _cause(self, plan: Plan, failed: Failure, error: TaskError | None) -> str:
        """Why it failed, as the first attempt at the rollback found. Later, the endpoint may be gone."""
        known = self.repository.get(plan["run"]).get("failure")
        if known:
            return str(known)
        reason = error or {"Cause": self.rollout.reason(plan["serving"]["endpoint"])}
        cause = explain(failed, reason)
        self.repository.update(plan["run"], failure=cause)
        return cause

    def _end_deployed(self, plan: Plan, message: str) -> Notification:
        """The same with a new model, after whose promotion the endpoint may be of no use."""
        task, endpoint = plan["task"], plan["serving"]["endpoint"]
        manager = self.rollout.endpoint_manager
        left = delete_unused(task, endpoint, self.candidates.registry, manager)
        return self._end(plan, "deployed", f"{message} {left}".strip())

    def _end(self, plan: Plan, status: str, message: str) -> Notification:
        """Record the end and unlock the task."""
        self._record_end(plan, status, message)
        self.repository.release(plan["task"], plan["execution"])
        return notification(plan, f"retraining {status}", message)

    def _record_end(self, plan: Plan, status: str, outcome: str) -> None:
        end = {"status": status, "ended_at": timestamps.now(), "outcome": outcome}
        self.repository.update(plan["run"], **end, task_token="", waiting_for=None)


def _describe_answer(approval: ApprovalAnswer | None) -> str:
    if not approval:
        return "The new model was not approved in time. The current model stays."
    comment = f" {approval['comment']}" if approval.get("comment") else ""
    return f"The new model was declined by {approval['by']}.{comment} The current model stays."


def _error(
    error: TaskError | None, creation: Creation | None, smoke_test: SmokeTest | None
) -> TaskError | None:
    """The error that explains the failure best."""
    if creation and creation["status"] == FAILED:
        return creation["error"]
    if error:
        return error
    if smoke_test:
        return {"Error": "", "Cause": smoke_test["reason"] or ""}
    return None


def _config_before(plan: Plan, endpoint: EndpointState | None, current: Deployment | None) -> str | None:
    """The configuration that a rollback leads to; None if there should be no endpoint.

    That is the configuration of the deployed version, according to the registry. What the endpoint served
    before may have been put there by hand, without an evaluation.
    """
    was_absent = endpoint is not None and endpoint["state"] == "absent"
    return None if was_absent or current is None else current.config_on(plan["serving"]["endpoint"])
