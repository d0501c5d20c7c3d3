"""Model versions of every task, which one is current, and why: kept in the data bucket under `models/`.

`models/TASK/VERSION/` holds a package (model.tar.gz, and its model.json, card.md and plots/ as separate
objects) and its record.json. `models/TASK/current.json` alone names the current and the previous version: one
object, so that a change is atomic. It is changed by compare-and-swap: the second of two concurrent changes
sees the first, and is made only if it still makes sense.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, cast

from chalicelib.errors import (
    InvalidModelPackage,
    ModelChanged,
    NothingToRollBackTo,
    UnknownModel,
)
from chalicelib.models.archive import (
    ARCHIVE,
    content_type,
    is_shown,
    unpack,
)
from chalicelib.models.deployment import Deployment
from chalicelib.models.model_version import ModelVersion, status_of
from chalicelib.models.version_store import (
    MODELS,
    VersionStore,
    record_key,
    unknown_model,
    version_folder,
)
from chalicelib.storage.documents import Document
from chalicelib.storage.errors import ObjectMissing
from chalicelib.timestamps import now

HEADLINES = ("accuracy", "balanced_accuracy", "auc")
"""Test metrics in the list of versions."""


class Registry(VersionStore):
    """Registers versions, records decisions on them, and knows the current one."""

    def current(self, task: str) -> Deployment | None:
        """The current deployment of `task`; None if there is none, and the bundled model classifies."""
        try:
            return Deployment(**self._documents.read(_current(task)))
        except ObjectMissing:
            return None

    def add(self, task: str, archive: bytes, origin: Mapping[str, Any]) -> dict[str, Any]:
        """Register the package in a model.tar.gz as a candidate, and return its record.

        Args:
            task: the task that the model is for.
            archive: the content of the file.
            origin: where the model comes from; becomes part of the record.

        Raises:
            InvalidModelPackage: if it is damaged, for another task, or registered with another origin.
        """
        shown = unpack(archive, is_shown)
        summary = _summary(shown, task)
        version = summary["version"]
        with suppress(UnknownModel):
            # The record is written last, so nothing is left to do.
            return _check_origin(self.record(task, version), origin)
        current = self.current(task)
        record = {
            **summary,
            "registered_at": now(),
            "parent": current.version if current else None,
            "decision": None,
            "endpoint": None,
            "config": None,
            **origin,
        }
        folder = version_folder(task, version)
        for name, content in shown.items():
            self._bucket.write(f"{folder}{name}", content, content_type(name))
        self._bucket.write(f"{folder}{ARCHIVE}", archive, "application/gzip")
        # Last, so that a version with a record is complete.
        return self._documents.change(
            record_key(task, version), lambda known: _check_origin(known, origin) if known else record
        )

    def decide(
        self, task: str, version: str, *, accepted: bool, reasons: list[str], **evidence: Any
    ) -> dict[str, Any]:
        """Record the decision on a candidate, and return its record. Repeating a decision changes nothing.

        Args:
            task: the candidate's task.
            version: the candidate's version.
            accepted: whether it may be deployed.
            reasons: sentences.
            evidence: anything else to keep with the decision.

        Raises:
            UnknownModel: if there is no such version.
        """
        decision = {"accepted": accepted, "reasons": reasons, **evidence}

        def decided(record: Document) -> Document:
            known = record["decision"] or {}
            if {**known, **decision} == known:
                return record
            return record | {"decision": {**decision, "decided_at": now()}}

        return self._change_record(task, version, decided)

    def versions(self, task: str) -> Iterator[ModelVersion]:
        """The records of all versions, newest first.

        Each has its `status`, and the current one the time `since` when it has been current (else None).
        """
        current = self.current(task)
        records = sorted(self._records(task), key=lambda record: str(record["registered_at"]), reverse=True)
        for record in records:
            status = status_of(record, current)
            since = current.since if current and status == "current" else None
            yield cast(ModelVersion, record | {"status": status, "since": since})

    def _records(self, task: str) -> Iterator[dict[str, Any]]:
        for version in self._bucket.folders(f"{MODELS}{task}/"):
            # A version without a record is being registered, or its registration was interrupted.
            with suppress(UnknownModel):
                yield self.record(task, version)

    def promote(
        self,
        task: str,
        version: str,
        endpoint: str | None,
        config: str | None,
        replaces: Collection[str | None] | None = None,
    ) -> Deployment:
        """Make a version the current one. Repeating it changes nothing.

        Args:
            task: name of the task.
            version: a registered version.
            endpoint: the endpoint that serves it; None to run its package in the process that is asked.
            config: the endpoint configuration that serves it; kept in the version's record for a rollback.
            replaces: the versions that it may replace: one of them must be current (None: nothing has been
                deployed). Without `replaces`, any version is replaced.

        Raises:
            UnknownModel: if there is no such version.
            ModelChanged: if another version is current; it stays.
        """

        def promoted(before: Document | None) -> Document:
            known = Deployment(**before) if before else None
            deployment = Deployment(
                version, record["sha256"], endpoint, _previous(known, version), now(), config
            )
            if known and deployment.is_same_as(known):
                return asdict(known)
            current = known.version if known else None
            if replaces is not None and current not in replaces:
                raise ModelChanged(
                    f"{current or 'Nothing'} has become the current model of {task} in the meantime, so "
                    f"{version} is not deployed. Check the task's models, then try again."
                )
            return asdict(deployment)

        record = self._change_record(
            task, version, lambda known: known | {"endpoint": endpoint, "config": config}
        )
        return Deployment(**self._documents.change(_current(task), promoted))

    def previous_record(self, task: str, current: Deployment | None) -> dict[str, Any]:
        """The record of the version before `current`.

        Raises:
            NothingToRollBackTo: if there is none.
        """
        if current is None or current.previous is None:
            raise NothingToRollBackTo(f"No other model has been deployed for {task} before the current one.")
        return self.record(task, current.previous)

    def roll_back(self, task: str, current: Deployment | None) -> Deployment:
        """Make the version before `current` the current one again, on its former endpoint.

        `current` becomes the previous version.

        Raises:
            NothingToRollBackTo: if there is no previous version.
            ModelChanged: if another version has become current; it stays.
        """
        record = self.previous_record(task, current)
        replaces = (current.version if current else None,)
        return self.promote(task, record["version"], record.get("endpoint"), record.get("config"), replaces)

    def _change_record(self, task: str, version: str, change: Callable[[Document], Document]) -> Document:
        def changed(record: Document | None) -> Document:
            if record is None:
                raise unknown_model(task, version)
            return change(record)

        return self._documents.change(record_key(task, version), changed)


def _current(task: str) -> str:
    return f"{MODELS}{task}/current.json"


def _previous(before: Deployment | None, version: str) -> str | None:
    """The version that a rollback of `version` restores. Promoting `version` again must not lose it."""
    if before is None:
        return None
    return before.previous if before.version == version else before.version


def _summary(shown: Mapping[str, bytes], task: str) -> dict[str, Any]:
    """The part of model.json that goes into a version's record.

    Raises:
        InvalidModelPackage: if there is no usable model.json, or it is for another task.
    """
    try:
        facts = json.loads(shown["model.json"])
        summary = {
            "task": facts["task"],
            "version": facts["version"],
            "sha256": facts["sha256"],
            "created_at": facts["created_at"],
            "fingerprint": facts["data"]["fingerprint"],
            "metrics": {name: facts["metrics"]["test"][name] for name in HEADLINES},
        }
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidModelPackage(f"{ARCHIVE} holds no usable model.json: {error}.") from error
    if summary["task"] != task:
        raise InvalidModelPackage(f"The package is a model for {summary['task']}, not for {task}.")
    return summary


def _check_origin(record: Document, origin: Mapping[str, Any]) -> Document:
    """The record of a version that is registered already: the same data and parameters give the same model.

    Raises:
        InvalidModelPackage: if the record has another origin, which must not be overwritten.
    """
    if any(record.get(name) != value for name, value in origin.items()):
        raise InvalidModelPackage(
            f"This model is registered already, as {record['version']}: it was trained on the same "
            "images with the same hyper-parameters."
        )
    return record
