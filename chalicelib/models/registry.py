"""Which models a task has had, which one classifies now, and why: kept in the data bucket under `models/`.

`models/TASK/VERSION/` holds a package (model.tar.gz, and by themselves model.json, card.md and plots/) and
its record.json. `models/TASK/current.json` alone says which version classifies and which did before: one
object, so that a change happens for everybody at once or not at all. It is changed by compare-and-swap: of
two changes at a time, the second sees the first, and happens only if it still makes sense.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Any

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
    pack,
    package_files,
    unpack,
)
from chalicelib.models.deployment import Deployment, status_of
from chalicelib.models.package import ModelPackage
from chalicelib.models.versions import (
    MODELS,
    ModelVersions,
    record_key,
    unknown_model,
    version_folder,
)
from chalicelib.storage.bucket import ObjectMissing
from chalicelib.storage.documents import Document
from chalicelib.timestamps import now

BUNDLED = "bundled"
"""The origin of versions that came with the application."""

HEADLINES = ("accuracy", "balanced_accuracy", "auc")
"""Metrics that a list of versions shows."""


class Registry(ModelVersions):
    """Registers versions, decides on them, and says which one classifies."""

    def current(self, task: str) -> Deployment | None:
        """What classifies for `task`; None if nothing has been deployed, so that the bundled model does."""
        try:
            return Deployment(**self._documents.read(_current(task)))
        except ObjectMissing:
            return None

    def add(self, task: str, archive: bytes, origin: Mapping[str, Any]) -> dict[str, Any]:
        """Register the package in a model.tar.gz as a candidate, and return its record.

        Args:
            task: that it is for.
            archive: the content of the file.
            origin: what is known of how it came about; goes into the record.

        Raises:
            InvalidModelPackage: if it is damaged, for another task, or known already from another origin.
        """
        shown = unpack(archive, is_shown)
        try:
            facts = json.loads(shown["model.json"])
            made_for, version = facts["task"], facts["version"]
            told = {
                "task": made_for,
                "version": version,
                "sha256": facts["sha256"],
                "created_at": facts["created_at"],
                "fingerprint": facts["data"]["fingerprint"],
                "metrics": {name: facts["metrics"]["test"][name] for name in HEADLINES},
            }
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidModelPackage(f"{ARCHIVE} holds no usable model.json: {error}.") from error
        if made_for != task:
            raise InvalidModelPackage(f"The package is a model for {made_for}, not for {task}.")
        with suppress(UnknownModel):
            # The record is written last, so nothing is left to be done.
            return _from(origin, self.record(task, version))
        current = self.current(task)
        record = {
            **told,
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
        # Last, so that whatever has a record is complete.
        return self._documents.change(
            record_key(task, version), lambda known: _from(origin, known) if known else record
        )

    def decide(
        self, task: str, version: str, *, accepted: bool, reasons: list[str], **evidence: Any
    ) -> dict[str, Any]:
        """Record the decision on a candidate, and return its record; the same decision again changes nothing.

        Args:
            task: that it is for.
            version: of the candidate.
            accepted: whether it may be deployed.
            reasons: in words.
            evidence: what else is to be kept with the decision.

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

    def versions(self, task: str) -> Iterator[dict[str, Any]]:
        """The records of all versions, the newest first.

        With their `status`, and `since` when the one that classifies has done so (None for the others).
        """
        current = self.current(task)
        records = sorted(self._records(task), key=lambda record: str(record["registered_at"]), reverse=True)
        for record in records:
            status = status_of(record, current)
            since = current.since if current and status == "current" else None
            yield record | {"status": status, "since": since}

    def _records(self, task: str) -> Iterator[dict[str, Any]]:
        for version in self._bucket.folders(f"{MODELS}{task}/"):
            # Without a record, somebody is registering it right now, or has not come to an end.
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
        """Let a version classify from now on; doing it again changes nothing.

        Args:
            task: that it is for.
            version: that is registered.
            endpoint: that serves it; None to run its package where the request is.
            config: with which the endpoint serves it; goes into the version's record as well, so that a
                rollback finds it.
            replaces: the versions that this was decided for: one of them must be the current one (None:
                nothing has been deployed). Without it, whatever is current is replaced.

        Raises:
            UnknownModel: if there is no such version.
            ModelChanged: if another version is the current one; it stays.
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
                    f"{version} is not deployed in its place. Look at the task's models, then decide again."
                )
            return asdict(deployment)

        record = self._change_record(
            task, version, lambda known: known | {"endpoint": endpoint, "config": config}
        )
        return Deployment(**self._documents.change(_current(task), promoted))

    def before(self, task: str, current: Deployment | None) -> dict[str, Any]:
        """The record of the version that classified before `current`.

        Raises:
            NothingToRollBackTo: if there is none.
        """
        if current is None or current.previous is None:
            raise NothingToRollBackTo(f"No other model has been deployed for {task} before the current one.")
        return self.record(task, current.previous)

    def roll_back(self, task: str, current: Deployment | None) -> Deployment:
        """Let the version before `current` classify again, where it did; `current` becomes the previous one.

        Raises:
            NothingToRollBackTo: if there is no previous version.
            ModelChanged: if another version is the current one by now; it stays.
        """
        record = self.before(task, current)
        replaces = (current.version if current else None,)
        return self.promote(task, record["version"], record.get("endpoint"), record.get("config"), replaces)

    def seed(self, task: str, package: ModelPackage) -> Deployment:
        """Register the model that came with the application, and return what classifies then.

        A package that is new here classifies from now on, unless a retraining has replaced the bundled model
        or a later release has been here. Who rolls back to an older one keeps it: nothing happens twice.
        """
        try:
            record = self.record(task, package.version)
        except UnknownModel:
            record = self.add(task, pack(package_files(package.folder)), {"origin": BUNDLED})
        is_new = record["decision"] is None
        while True:
            current = self.current(task)
            if current and not (is_new and self._is_superseded(current, package)):
                break
            with suppress(ModelChanged):  # whatever came in between may be newer: look again
                replaces = (current.version if current else None,)
                current = self.promote(task, package.version, None, None, replaces)
                break
        if is_new:
            # Last, so that whatever is cut short is done again.
            self.decide(task, package.version, accepted=True, reasons=["It came with the application."])
        return current

    def _is_superseded(self, current: Deployment, package: ModelPackage) -> bool:
        """Whether what classifies is an older bundled model than `package`."""
        record = self.record(package.facts["task"], current.version)
        made, newly = (
            datetime.fromisoformat(at) for at in (record["created_at"], package.facts["created_at"])
        )
        return record.get("origin") == BUNDLED and made < newly

    def _change_record(self, task: str, version: str, change: Callable[[Document], Document]) -> Document:
        def changed(record: Document | None) -> Document:
            if record is None:
                raise unknown_model(task, version)
            return change(record)

        return self._documents.change(record_key(task, version), changed)


def _current(task: str) -> str:
    return f"{MODELS}{task}/current.json"


def _previous(before: Deployment | None, version: str) -> str | None:
    """What a rollback of `version` leads to: promoting it again must not forget the version before."""
    if before is None:
        return None
    return before.previous if before.version == version else before.version


def _from(origin: Mapping[str, Any], record: Document) -> Document:
    """The record of a version that was registered before; the same data and parameters make the same model.

    Raises:
        InvalidModelPackage: if it came from elsewhere: what is known of it must not be lost.
    """
    if any(record.get(name) != value for name, value in origin.items()):
        raise InvalidModelPackage(
            f"This very model is registered already, as {record['version']}: it was trained on the same "
            "images with the same hyper-parameters."
        )
    return record
