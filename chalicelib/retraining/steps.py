"""What the Lambda of the state machine does: one method for each step that is not a job of SageMaker's."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import timestamps
from chalicelib.errors import (
    EndpointNotChanged,
    EndpointNotReady,
    StepInterrupted,
    UnknownModel,
)
from chalicelib.models.backend import Backend
from chalicelib.models.deployment import Deployment
from chalicelib.observability import count, logger
from chalicelib.retraining.canary_check import known_images, run_canary_check
from chalicelib.retraining.candidate import Candidates
from chalicelib.retraining.creation import FAILED, Creations
from chalicelib.retraining.failure import explain, reason_of
from chalicelib.retraining.planning import Code, Planner
from chalicelib.retraining.repository import RetrainingRepository
from chalicelib.retraining.rollout import Rollout
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import StorageFailed

State = Mapping[str, Any]
"""The state machine's state, `$`: each step's result under the name that the definition gives it."""
_CHANGES_ENDPOINT = ("DeploymentFailed", "SmokeTestFailed", "PromotionFailed")
"""Only after these failures the endpoint may have to go back."""
_PASSING = (StorageFailed, EndpointNotChanged, EndpointNotReady, ClientError, BotoCoreError)
"""What may be over when a step is repeated."""


@dataclass(frozen=True)
class Steps:
    """The steps of one stage's state machine."""

    bucket: DataBucket
    repository: RetrainingRepository
    planner: Planner
    candidates: Candidates
    rollout: Rollout
    creations: Creations
    backend: Callable[[str, str | None, str], Backend]
    """What answers for a task: on an endpoint if one is named, else from the archive with a version."""
    publish: Callable[[str, str, str], None]
    """Tells the subscribers of a topic (ARN, subject, message)."""

    def run(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Do the step that the event names.

        Raises:
            StepInterrupted: if the state machine should repeat it.
            NegatoscopeError: if it cannot be done; the state machine catches it.
        """
        step, state = event["step"], event.get("state", {})
        plan = state.get("plan", {})
        logger.info("retraining", extra={"step": step, "run": plan.get("run")})
        steps: Mapping[str, Callable[[], dict[str, Any]]] = {
            "plan": lambda: self.planner.plan(
                event["execution"], event["wish"], Code(event["code"], event["commit"])
            ),
            "review-data": lambda: self._review_data(plan),
            "register": lambda: self._register(plan, state["trained"], event["image"]),
            "decide": lambda: self._decide(plan, state["candidate"]),
            "ask": lambda: self._ask(plan, state, event["token"], event["topic"]),
            "check-creation": lambda: self.creations.check(state["creating"], plan, state["error"]),
            "look-at-endpoint": lambda: self._look_at_endpoint(plan),
            "smoke-test": lambda: self._smoke_test(plan, state["candidate"]),
            "promote": lambda: self._promote(plan, state["candidate"]),
            "close": lambda: self._close(plan, event["outcome"], state),
            "undo": lambda: self._undo(plan, state),
            "report-failed-rollback": lambda: self._report_failed_undo(plan, state),
        }
        try:
            return steps[step]()
        except _PASSING as error:
            raise StepInterrupted(f"{type(error).__name__}: {error}") from error

    def _review_data(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """Whether there is anything to learn that the current model has not learnt."""
        facts = json.loads(self.bucket.read(f"{self._folder(plan)}data/data.json").body)
        data = {
            **plan["data"],
            "fingerprint": facts["fingerprint"],
            "split": facts["split"],
            "findings": facts["findings"],
        }
        self.repository.update(plan["run"], data=data)
        same = facts["fingerprint"] == plan["current"]["fingerprint"]
        return {"unchanged": same and plan["plain"], "fingerprint": facts["fingerprint"]}

    def _register(self, plan: Mapping[str, Any], trained: Mapping[str, str], image: str) -> dict[str, Any]:
        candidate = self.candidates.register(plan, trained, image)
        self.repository.update(plan["run"], candidate=candidate["version"], job=trained["job"])
        return candidate

    def _decide(self, plan: Mapping[str, Any], candidate: Mapping[str, str]) -> dict[str, Any]:
        decision = self.candidates.decide(plan, candidate)
        self.repository.update(plan["run"], accepted=decision["accepted"], outcome=decision["reasons"])
        return decision

    def _ask(self, plan: Mapping[str, Any], state: State, token: str, topic: str) -> dict[str, Any]:
        self.repository.update(plan["run"], task_token=token, waiting_for="approval")
        self.publish(
            topic,
            _subject(plan, "may the new model be deployed?"),
            f"{state['decision']['reasons']}\n\nThe report lies in {plan['folder']}evaluation/report.md. "
            f'Answer on the page, or with POST /api/retrainings/{plan["run"]}/approval {{"approved": true}}.',
        )
        return {}

    def _look_at_endpoint(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """What there is to be updated; see `Rollout.look`."""
        return self.rollout.look(plan["serving"], plan["name"])

    def _smoke_test(self, plan: Mapping[str, Any], candidate: Mapping[str, str]) -> dict[str, Any]:
        serving = plan["serving"]
        endpoint = None if serving["kind"] == "embedded" else serving["endpoint"]
        backend = self.backend(plan["task"], endpoint, candidate["version"])
        tested = run_canary_check(backend, known_images(self.bucket, self._folder(plan)), candidate["sha256"])
        self.repository.update(plan["run"], smoke_test=tested)
        return tested

    def _promote(self, plan: Mapping[str, Any], candidate: Mapping[str, str]) -> dict[str, Any]:
        serving = plan["serving"]
        if serving["kind"] != "embedded":
            self.rollout.endpoint_manager.scale(serving["endpoint"], plan["name"])
        self.candidates.promote(plan, candidate)
        return {}

    def _close(self, plan: Mapping[str, Any], outcome: str, state: State) -> dict[str, Any]:
        """Write down the end, and give the lock back: `{"subject", "message"}` for those who subscribed."""
        message = self._describe(outcome, state)
        if outcome == "declined":
            self.candidates.refuse(plan, state["candidate"], message)
        if outcome in ("declined", "rejected"):
            self.rollout.endpoint_manager.forget(plan["name"])
        return self._end(plan, "rejected" if outcome == "declined" else outcome, message)

    def _undo(self, plan: Mapping[str, Any], state: State) -> dict[str, Any]:
        """Leave nothing half-deployed: `{"settled", "error", "cause", ...}`; to be repeated until settled."""
        failed, current = state["failed"], self.candidates.registry.current(plan["task"])
        version = state.get("candidate", {}).get("version")
        if current and current.has_deployed(version):
            # It failed after that: taking everything back now would be a change that nobody asked for.
            since = "classifies from now on" if current.version == version else "was deployed and rolled back"
            cause = f"{version} {since}, but noting that down failed. {reason_of(state['error'])}"
            end = self._end(plan, "deployed", cause)
            return {"settled": True, "error": failed, "cause": cause, **end}
        cause = self._cause(plan, state)
        told = {"settled": False, "error": failed, "cause": cause}
        if failed in _CHANGES_ENDPOINT and not self.rollout.restore(plan, _way_back(plan, state, current)):
            return told
        self.rollout.endpoint_manager.forget(plan["name"])
        if "candidate" in state:
            # A package that is damaged may have no record yet.
            with suppress(UnknownModel):
                self.candidates.refuse(plan, state["candidate"], cause)
        return {**told, **self._end(plan, "failed", cause), "settled": True}

    def _report_failed_undo(self, plan: Mapping[str, Any], state: State) -> dict[str, Any]:
        """Say that a failed retraining could not be taken back: `{"subject", "message"}`.

        The lock stays with this execution, which is over: whoever retrains the task next takes it over, and
        finishes what is left before anything else.
        """
        count("RollbackFailed", plan["task"])
        message = (
            "The retraining failed, and what it had begun could not be taken back: "
            f"{reason_of(state['error'])} {self.rollout.describe(plan['serving'])} "
            "The current model answers, from its package if need be. Remove the cause, then retrain the "
            "task: that finishes what is left before anything else."
        )
        self.repository.update(
            plan["run"],
            status="failed",
            ended_at=timestamps.now(),
            outcome=message,
            task_token="",
            waiting_for=None,
        )
        return {"subject": _subject(plan, "a failed retraining could not be undone"), "message": message}

    def _cause(self, plan: Mapping[str, Any], state: State) -> str:
        """Why it failed, as the first attempt at undoing it found: later the endpoint may be gone."""
        known = self.repository.get(plan["run"]).get("failure")
        if known:
            return str(known)
        if state.get("creation", {}).get("status") == FAILED:
            error = state["creation"]["error"]
        elif "error" in state:
            error = state["error"]
        elif state["failed"] == "SmokeTestFailed":
            error = {"Cause": state["smoke_test"]["reason"]}
        else:
            error = {"Cause": self.rollout.reason(plan["serving"]["endpoint"])}
        cause = explain(state["failed"], error)
        self.repository.update(plan["run"], failure=cause)
        return cause

    def _end(self, plan: Mapping[str, Any], status: str, message: str) -> dict[str, Any]:
        self.repository.update(
            plan["run"],
            status=status,
            ended_at=timestamps.now(),
            outcome=message,
            task_token="",
            waiting_for=None,
        )
        self.repository.release(plan["task"], plan["execution"])
        return {"subject": _subject(plan, f"retraining {status}"), "message": message}

    def _describe(self, outcome: str, state: State) -> str:
        match outcome:
            case "deployed":
                return (
                    f"{state['decision']['reasons']} {state['candidate']['version']} classifies from now on."
                )
            case "rejected":
                return f"{state['decision']['reasons']} The current model stays."
            case "declined":
                answer = state.get("approval", {})
                if not answer:
                    return "Nobody approved the new model in time. The current model stays."
                comment = f" {answer['comment']}" if answer.get("comment") else ""
                return f"The new model was declined by {answer['by']}.{comment} The current model stays."
            case "unchanged":
                return (
                    "Images and labels are those that the current model was trained on, so there is nothing "
                    'new to learn. {"force": true} trains anyway.'
                )
        raise ValueError(f"no such outcome: {outcome}")

    def _folder(self, plan: Mapping[str, Any]) -> str:
        folder: str = plan["folder"].removeprefix(f"s3://{self.bucket.name}/")
        return folder


def _way_back(plan: Mapping[str, Any], state: State, current: Deployment | None) -> str | None:
    """The configuration that a failed deployment leads back to: None if the endpoint should not be there.

    That is the deployed version's, as the registry has it now. Somebody may have put another one there by
    hand, which nobody has judged or tested.
    """
    was_absent = state.get("endpoint", {}).get("state") == "absent"
    return None if was_absent or current is None else current.config_on(plan["serving"]["endpoint"])


def _subject(plan: Mapping[str, Any], text: str) -> str:
    """Of a message. SNS takes fewer than 100 characters of ASCII; titles may hold others, names never do."""
    return f"{plan['task']}: {text}"[:99]
