"""Which models a task has had, which one classifies now, and why: kept in the data bucket under `models/`.

`models/TASK/VERSION/` holds a package (model.tar.gz, and by themselves model.json, card.md and plots/) and
its record.json. `models/TASK/current.json` alone says which version classifies and which did before: one
object, so that a change happens for everybody at once or not at all.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from chalicelib.archive import ARCHIVE, content_type, is_shown, pack, package_files, unpack
from chalicelib.errors import InvalidModelPackage, NothingToRollBackTo, UnknownModel
from chalicelib.package import ModelPackage
from chalicelib.results import now
from chalicelib.storage import DataBucket, ObjectMissing, StorageFailed

MODELS = "models/"
BUNDLED = "bundled"
"""The origin of versions that came with the application."""

HEADLINES = ("accuracy", "balanced_accuracy", "auc")
"""Metrics that a list of versions shows."""

Status = Literal["candidate", "rejected", "accepted", "current", "previous"]
"""An accepted version has passed the gate, but another one classifies by now."""


@dataclass(frozen=True)
class Deployment:
    """What classifies for a task now."""

    version: str
    sha256: str
    """Of the graph."""
    endpoint: str | None
    """The SageMaker endpoint that serves it; None if the package is run where the request is."""
    previous: str | None
    """The version before."""
    since: str
    config: str | None = None
    """The configuration with which the endpoint serves it; None without an endpoint."""

    def config_on(self, endpoint: str) -> str | None:
        """The configuration with which that endpoint should serve it; None if it is not its endpoint."""
        return self.config if self.endpoint == endpoint else None


class Registry:
    """Reads and writes `models/` of the data bucket."""

    def __init__(self, bucket: DataBucket):
        self._bucket = bucket

    def current(self, task: str) -> Deployment | None:
        """What classifies for `task`; None if nothing has been deployed, so that the bundled model does."""
        try:
            return Deployment(**self._read_json(f"{MODELS}{task}/current.json"))
        except ObjectMissing:
            return None

    def archive(self, task: str, version: str) -> bytes:
        """The model.tar.gz of a version.

        Raises:
            UnknownModel: if there is none.
        """
        try:
            return self._read(f"{_folder(task, version)}{ARCHIVE}")
        except ObjectMissing:
            raise _unknown(task, version) from None

    def archive_link(self, task: str, version: str) -> str:
        """A link under which the model.tar.gz of a version can be fetched for some minutes.

        Raises:
            UnknownModel: if there is none.
        """
        self.record(task, version)
        return self._bucket.presign_download(f"{_folder(task, version)}{ARCHIVE}", ARCHIVE)

    def shown(self, task: str, version: str, name: str) -> bytes:
        """A file of a version that people look at: `model.json`, `card.md` or `plots/NAME.svg`.

        Raises:
            UnknownModel: if there is no such version, or it has no such file.
        """
        if is_shown(name):
            with suppress(ObjectMissing):
                return self._read(f"{_folder(task, version)}{name}")
        raise UnknownModel(f"There is no model '{version}' for {task}, or it has no file '{name}'.")

    def facts(self, task: str, version: str) -> dict[str, Any]:
        """The model.json of a version.

        Raises:
            UnknownModel: if there is no such version.
        """
        facts: dict[str, Any] = json.loads(self.shown(task, version, "model.json"))
        return facts

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
        self._check_new(task, version, origin)
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
        folder = _folder(task, version)
        for name, content in shown.items():
            self._bucket.write(f"{folder}{name}", content, content_type(name))
        self._bucket.write(f"{folder}{ARCHIVE}", archive, "application/gzip")
        # Last, so that whatever has a record is complete.
        self._write_record(record)
        return record

    def _check_new(self, task: str, version: str, origin: Mapping[str, Any]) -> None:
        """The same data and hyper-parameters make the same model: what is known of it must not be lost."""
        with suppress(UnknownModel):
            record = self.record(task, version)
            # Whoever registers it again from the same origin was interrupted.
            if any(record.get(name) != value for name, value in origin.items()):
                raise InvalidModelPackage(
                    f"This very model is registered already, as {version}: it was trained on the same images "
                    "with the same hyper-parameters."
                )

    def record(self, task: str, version: str) -> dict[str, Any]:
        """What is known of a version.

        Raises:
            UnknownModel: if there is none.
        """
        try:
            return self._read_json(f"{_folder(task, version)}record.json")
        except ObjectMissing:
            raise _unknown(task, version) from None

    def decide(self, task: str, version: str, *, accepted: bool, reasons: list[str]) -> dict[str, Any]:
        """Note what became of a candidate, and return its record."""
        record = self.record(task, version)
        record["decision"] = {"accepted": accepted, "reasons": reasons, "decided_at": now()}
        self._write_record(record)
        return record

    def versions(self, task: str) -> Iterator[dict[str, Any]]:
        """The records of all versions, the newest first.

        With their `status`, and `since` when the one that classifies has done so (None for the others).
        """
        current = self.current(task)
        records = sorted(self._records(task), key=lambda record: str(record["registered_at"]), reverse=True)
        for record in records:
            status = _status(record, current)
            since = current.since if current and status == "current" else None
            yield record | {"status": status, "since": since}

    def _records(self, task: str) -> Iterator[dict[str, Any]]:
        for version in self._bucket.folders(f"{MODELS}{task}/"):
            # Without a record, somebody is registering it right now, or has not come to an end.
            with suppress(UnknownModel):
                yield self.record(task, version)

    def promote(self, task: str, version: str, endpoint: str | None, config: str | None) -> Deployment:
        """Let a version classify from now on.

        Args:
            task: that it is for.
            version: that is registered.
            endpoint: that serves it; None to run its package where the request is.
            config: with which the endpoint serves it; goes into the version's record as well, so that a
                rollback finds it.

        Raises:
            UnknownModel: if there is no such version.
        """
        record, before = self.record(task, version), self.current(task)
        # Promoting the current version again (to another endpoint, say) must not forget the one before.
        previous = before.version if before else None
        if before and before.version == version:
            previous = before.previous
        self._write_record(record | {"endpoint": endpoint, "config": config})
        deployment = Deployment(version, record["sha256"], endpoint, previous, now(), config)
        self._bucket.write_json(f"{MODELS}{task}/current.json", asdict(deployment))
        return deployment

    def previous(self, task: str) -> dict[str, Any]:
        """The record of the version that classified before the current one.

        Raises:
            NothingToRollBackTo: if there is none.
        """
        current = self.current(task)
        if current is None or current.previous is None:
            raise NothingToRollBackTo(f"No other model has been deployed for {task} before the current one.")
        return self.record(task, current.previous)

    def roll_back(self, task: str) -> Deployment:
        """Let the previous version classify again, where it did; the current one becomes the previous.

        Raises:
            NothingToRollBackTo: if there is no previous version.
        """
        record = self.previous(task)
        return self.promote(task, record["version"], record.get("endpoint"), record.get("config"))

    def seed(self, task: str, package: ModelPackage) -> Deployment:
        """Register the model that came with the application, and return what classifies then.

        A package that is new here classifies from now on, unless a retraining has replaced the bundled model
        or a later release has been here. Who rolls back to an older one keeps it: nothing happens twice.
        """
        try:
            record = self.record(task, package.version)
        except UnknownModel:
            record = self.add(task, pack(package_files(package.folder)), {"origin": BUNDLED})
        is_new, current = record["decision"] is None, self.current(task)
        if current is None or (is_new and self._is_overtaken(current, package)):
            current = self.promote(task, package.version, None, None)
        if is_new:
            # Last, so that whatever is cut short is done again.
            self.decide(task, package.version, accepted=True, reasons=["It came with the application."])
        return current

    def _is_overtaken(self, current: Deployment, package: ModelPackage) -> bool:
        """Whether what classifies is an older bundled model than `package`."""
        record = self.record(package.facts["task"], current.version)
        made, newly = (
            datetime.fromisoformat(at) for at in (record["created_at"], package.facts["created_at"])
        )
        return record.get("origin") == BUNDLED and made < newly

    def _write_record(self, record: dict[str, Any]) -> None:
        self._bucket.write_json(f"{_folder(record['task'], record['version'])}record.json", record)

    def _read_json(self, key: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._read(key))
        return document

    def _read(self, key: str) -> bytes:
        try:
            return self._bucket.read(key).body
        except StorageFailed:
            # Roles that may list nothing but models/ are told "access denied" of what is missing.
            if self._bucket.exists(key):
                raise
            raise ObjectMissing from None


def _folder(task: str, version: str) -> str:
    return f"{MODELS}{task}/{version}/"


def _unknown(task: str, version: str) -> UnknownModel:
    return UnknownModel(f"There is no model '{version}' for {task}.")


def _status(record: Mapping[str, Any], current: Deployment | None) -> Status:
    if current and record["version"] == current.version:
        return "current"
    if current and record["version"] == current.previous:
        return "previous"
    if record["decision"] is None:
        return "candidate"
    return "accepted" if record["decision"]["accepted"] else "rejected"
