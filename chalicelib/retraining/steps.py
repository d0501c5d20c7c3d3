"""The steps of a retraining that run in its Lambda, not as SageMaker jobs."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import EndpointNotChanged, EndpointNotReady, StepInterrupted
from chalicelib.models.backend import Backend
from chalicelib.observability import logger
from chalicelib.retraining import earlier_names
from chalicelib.retraining.candidate import Candidates
from chalicelib.retraining.creation_checker import CreationChecker
from chalicelib.retraining.finalization import Finalization
from chalicelib.retraining.locations import EVALUATION
from chalicelib.retraining.notification import notification
from chalicelib.retraining.payloads import (
    Candidate,
    DataCheck,
    EndpointState,
    GateDecision,
    SmokeTest,
    TrainedModel,
)
from chalicelib.retraining.planning.plan import Plan
from chalicelib.retraining.planning.planner import Planner
from chalicelib.retraining.repository import RetrainingRepository
from chalicelib.retraining.rollout import Rollout
from chalicelib.retraining.smoke_test import known_images, run_smoke_test
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import StorageFailed

Step = Callable[..., Mapping[str, Any]]
_TRANSIENT = (StorageFailed, EndpointNotChanged, EndpointNotReady, ClientError, BotoCoreError)
"""Errors that may be over when a step is repeated."""


@dataclass(frozen=True)
class Steps:
    """The steps of one stage's state machine.

    The names of a step's arguments are the keys of its payload. Those without a default are always passed.
    """

    bucket: DataBucket
    repository: RetrainingRepository
    planner: Planner
    candidates: Candidates
    rollout: Rollout
    creation_checker: CreationChecker
    finalization: Finalization
    backend: Callable[[str, str | None, str], Backend]
    """What answers for a task: on an endpoint if one is named, else from the archive of a version."""
    publish: Callable[[str, str, str], None]
    """Publishes a message to a topic (ARN, subject, message)."""

    def by_name(self) -> Mapping[str, Step]:
        """The steps, by their names in the state machine."""
        return {
            "plan": self.planner.plan,
            "check-data": self.check_data,
            "register": self.register,
            "record-decision": self.record_decision,
            "request-approval": self.request_approval,
            "check-creation": self.creation_checker.check,
            "inspect-endpoint": self.inspect_endpoint,
            "smoke-test": self.smoke_test,
            "promote": self.promote,
            "finalize-deployed": self.finalization.finalize_deployed,
            "finalize-rejected": self.finalization.finalize_rejected,
            "finalize-declined": self.finalization.finalize_declined,
            "finalize-unchanged": self.finalization.finalize_unchanged,
            "roll-back": self.finalization.roll_back,
            "report-failed-rollback": self.finalization.report_failed_rollback,
        }

    def run(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Run a step.

        Args:
            event: `step` and its payload; a member `state` is the whole state, of which a step takes a part.

        Raises:
            StepInterrupted: if the state machine should repeat it.
            NegatoscopeError: if it cannot be done; the state machine catches it.
        """
        event = earlier_names.translate_event(event)
        step = self.by_name()[event["step"]]
        arguments = take(step, {**event.get("state", {}), **event})
        logger.info("retraining", extra={"step": event["step"], "run": arguments.get("plan", {}).get("run")})
        try:
            return {**step(**arguments)}
        except _TRANSIENT as error:
            raise StepInterrupted(f"{type(error).__name__}: {error}") from error

    def check_data(self, plan: Plan) -> DataCheck:
        """Whether the prepared data differ from what the current model was trained on."""
        facts = json.loads(self.bucket.read(f"{self._folder(plan)}data/data.json").body)
        found = {key: facts[key] for key in ("fingerprint", "split", "findings")}
        self.repository.update(plan["run"], data={**plan["data"], **found})
        same = facts["fingerprint"] == plan["current"]["fingerprint"]
        return {"unchanged": same and plan["plain"], "fingerprint": facts["fingerprint"]}

    def register(self, plan: Plan, trained: TrainedModel, image: str) -> Candidate:
        """Add the trained model to the registry; see `Candidates.register`."""
        candidate = self.candidates.register(plan, trained, image)
        self.repository.update(plan["run"], candidate=candidate["version"], job=trained["job"])
        return candidate

    def record_decision(self, plan: Plan, candidate: Candidate) -> GateDecision:
        """Record what the evaluation decided; see `Candidates.decide`."""
        decision = self.candidates.decide(plan, candidate)
        self.repository.update(
            plan["run"],
            accepted=decision["accepted"],
            outcome=decision["reasons"],
            scores=self.candidates.scores(plan),
        )
        return decision

    def request_approval(self, plan: Plan, decision: GateDecision, token: str, topic: str) -> dict[str, Any]:
        """Ask the subscribers of a topic (ARN) for approval. The token continues the execution."""
        self.repository.update(plan["run"], task_token=token, waiting_for="approval")
        message = notification(
            plan,
            "may the new model be deployed?",
            f"{decision['reasons']}\n\nThe report is at {plan['folder']}{EVALUATION}report.md. "
            f'Answer on the page, or with POST /api/retrainings/{plan["run"]}/approval {{"approved": true}}.',
        )
        self.publish(topic, message["subject"], message["message"])
        return {}

    def inspect_endpoint(self, plan: Plan) -> EndpointState:
        """The endpoint before the update; see `Rollout.inspect`."""
        return self.rollout.inspect(plan["serving"], plan["name"])

    def smoke_test(self, plan: Plan, candidate: Candidate) -> SmokeTest:
        """Compare answers of the deployed candidate with those that were evaluated."""
        serving = plan["serving"]
        endpoint = None if serving["kind"] == "embedded" else serving["endpoint"]
        backend = self.backend(plan["task"], endpoint, candidate["version"])
        tested = run_smoke_test(backend, known_images(self.bucket, self._folder(plan)), candidate["sha256"])
        self.repository.update(plan["run"], smoke_test=tested)
        return tested

    def promote(self, plan: Plan, candidate: Candidate) -> dict[str, Any]:
        """Make the candidate the current model."""
        serving = plan["serving"]
        if serving["kind"] != "embedded":
            self.rollout.endpoint_manager.scale(serving["endpoint"], plan["name"])
        self.candidates.promote(plan, candidate)
        return {}

    def _folder(self, plan: Plan) -> str:
        return plan["folder"].removeprefix(f"s3://{self.bucket.name}/")


def take(step: Step, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a step, among all that is given.

    Raises:
        KeyError: if a required one is missing.
    """
    parameters = signature(step).parameters.values()
    return {
        parameter.name: given[parameter.name]
        for parameter in parameters
        if parameter.default is Parameter.empty or parameter.name in given
    }
