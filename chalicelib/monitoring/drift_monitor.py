"""Compares the latest answers of each task's model with its validation profile, once a day."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from chalicelib.errors import AlreadyRetraining
from chalicelib.hyperparameters import CROSS_VALIDATION, current_names
from chalicelib.models.package import ModelPackage
from chalicelib.models.registry import Registry
from chalicelib.monitoring import drift
from chalicelib.monitoring.drift import Aspect
from chalicelib.monitoring.drift_document import DriftDocument, DriftReport, DriftRetraining
from chalicelib.observability import logger, record
from chalicelib.results.result_document import ListedResult
from chalicelib.results.table import ResultsTable
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import AccessDenied, ObjectMissing
from chalicelib.tasks import Task
from chalicelib.timestamps import now

MAX_ANSWERS = 500
"""The number of latest answers of the current model that are compared."""


class DriftCheckFailed(Exception):
    """Some tasks could not be checked; the log says which. Raised at the end, for the alarm."""


@dataclass(frozen=True)
class DriftMonitor:
    """Checks every task for drift."""

    bucket: DataBucket
    table: ResultsTable
    registry: Registry
    bundled: Callable[[Task], ModelPackage | None]
    """The package of a task without a deployment in the registry."""
    tasks: Mapping[str, Task]
    start_retraining: Callable[[str, str], str] | None
    """Starts a retraining for a task and a reason, and returns its name; None if people decide.

    It raises AlreadyRetraining if the task is being retrained.
    """

    def run(self) -> None:
        """Compare every task's latest answers with the validation profile of its current model.

        Records `Drift` for each task and aspect, and for the stage the largest significant one.

        Raises:
            DriftCheckFailed: after all tasks have been checked.
        """
        aspects: list[Aspect] = []
        failed = []
        for task in self.tasks.values():
            try:
                document, found = self._check(task)
                self._publish(document, found)
                aspects += found
                self._retrain(document)
            except Exception:  # a failure must not stop the other tasks
                logger.exception("drift check failed", extra={"task": task.name})
                failed.append(task.name)
        record("Drift", max((aspect.psi for aspect in aspects if aspect.is_significant), default=0.0))
        if failed:
            raise DriftCheckFailed(f"the drift check failed for {', '.join(failed)}")

    def last(self, task: Task) -> DriftDocument:
        """The result of a task's latest drift check."""
        try:
            return self._read(task)
        except (ObjectMissing, AccessDenied):
            unchecked = "This task has not been checked yet. It is checked once a day."
            return _without_report(_document(task), "not-checked", unchecked)

    def _check(self, task: Task) -> tuple[DriftDocument, list[Aspect]]:
        found = _document(task, checked_at=now(), retraining=self._last_retraining(task))
        facts = self._facts(task)
        if facts is None:
            return _without_report(found, "no-package", "No model package classifies for this task."), []
        found["model"] = {"version": facts["version"], "sha256": facts["sha256"]}
        profile = _profile(facts)
        if profile is None:
            reason = "The model has no profile of its validation images to compare with. Train it again."
            return _without_report(found, "no-profile", reason), []
        answers = self.table.latest(task.name, facts["sha256"], MAX_ANSWERS)
        if len(answers) < drift.MIN_ANSWERS:
            reason = f"This model has classified {len(answers)} images; {drift.MIN_ANSWERS} are needed."
            return _without_report(found, "few-answers", reason, len(answers)), []
        aspects = drift.compare(profile, answers)
        return found | {"report": _report(profile, answers, aspects)}, aspects

    def _facts(self, task: Task) -> Mapping[str, Any] | None:
        """The model.json of the model that classifies for a task, if it has a package."""
        if deployment := self.registry.current(task.name):
            return self.registry.facts(task.name, deployment.version)
        package = self.bundled(task)
        return package.facts if package else None

    def _publish(self, document: DriftDocument, aspects: list[Aspect]) -> None:
        task = document["task"]
        self.bucket.write_json(_key(task), document)
        for aspect in aspects:
            record("Drift", aspect.psi, task=task, aspect=aspect.name)
        psi = {aspect.name: round(aspect.psi, 3) for aspect in aspects}
        logger.info("drift checked", extra={"task": task, "psi": psi, "reason": document["reason"]})

    def _retrain(self, document: DriftDocument) -> None:
        """Start a retraining if there is drift, but only once per model."""
        report, model, last = document["report"], document["model"], document["retraining"]
        if self.start_retraining is None or not (report and report["drifted"]):
            return
        if model is None or (last and last["model"] == model):
            return
        named = ", ".join(
            f"{aspect['aspect']} (PSI {aspect['psi']:.2f})"
            for aspect in report["aspects"]
            if aspect["drifted"]
        )
        why = f"Images differ from those that model {model['version']} was validated on, by {named}."
        task = document["task"]
        try:
            name = self.start_retraining(task, why)
        except AlreadyRetraining:  # it brings another model, or drift starts another retraining after it
            return
        started: DriftRetraining = {"name": name, "model": model, "reason": why, "started_at": now()}
        self.bucket.write_json(_key(task), document | {"retraining": started})
        logger.info("retraining started", extra={"task": task, "model": model["version"]})

    def _last_retraining(self, task: Task) -> DriftRetraining | None:
        try:
            return self._read(task)["retraining"]
        except ObjectMissing:
            return None

    def _read(self, task: Task) -> DriftDocument:
        document: DriftDocument = json.loads(self.bucket.read(_key(task.name)).body)
        return document


def _key(task: str) -> str:
    return f"drift/{task}.json"


def _without_report(
    document: DriftDocument, code: Any, reason: str, answers: int | None = None
) -> DriftDocument:
    needed = None if answers is None else drift.MIN_ANSWERS
    return document | {"reason": reason, "missing": {"code": code, "answers": answers, "needed": needed}}


def _document(task: Task, **known: Any) -> DriftDocument:
    unknown = dict.fromkeys(("model", "report", "reason", "missing", "retraining", "checked_at"))
    return cast(DriftDocument, {"task": task.name, **unknown, **known})


def _profile(facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The profile of the model's answers on images that it was not trained on.

    After cross-validation that is the profile of the test images: each validation image was answered by one
    network only, because the others were trained on it.
    """
    training = current_names({"validation": facts.get("training", {}).get("validation")})
    cross_validated = training["validation"] == CROSS_VALIDATION
    profile: Mapping[str, Any] | None = (
        facts["metrics"].get("test" if cross_validated else "validation", {}).get("profile")
    )
    return profile


def _report(profile: Mapping[str, Any], answers: list[ListedResult], aspects: list[Aspect]) -> DriftReport:
    """The report of a comparison; `answers` are the newest first."""
    return {
        "drifted": any(aspect.has_drifted for aspect in aspects),
        "answers": len(answers),
        "since": answers[-1]["created_at"],
        "until": answers[0]["created_at"],
        "validation_images": profile["images"],
        "aspects": [aspect.to_dict() for aspect in aspects],
    }
