"""Which models a task has had, which one classifies now, and why: kept in the data bucket under `models/`.

`models/TASK/VERSION/` holds a package (model.tar.gz, and by themselves model.json, card.md and plots/) and
its record.json. `models/TASK/current.json` alone says which version classifies and which did before: one
object, so that a change happens for everybody at once or not at all.
"""

import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any, Literal

from chalicelib.errors import InvalidModelPackage, NothingToRollBackTo, UnknownModel
from chalicelib.results import now
from chalicelib.storage import DataBucket, ObjectMissing

MODELS = "models/"
ARCHIVE = "model.tar.gz"
MOST_BYTES = 100_000_000
"""Of an unpacked archive's file; models of this application have a tenth of that."""

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


class Registry:
    """Reads and writes `models/` of the data bucket."""

    def __init__(self, bucket: DataBucket):
        self._bucket = bucket

    def current(self, task: str) -> Deployment | None:
        """What classifies for `task`; None if that is still the bundled model."""
        try:
            return Deployment(**self._read_json(f"{MODELS}{task}/current.json"))
        except ObjectMissing:
            return None

    def facts(self, task: str, version: str) -> dict[str, Any]:
        """The model.json of a version.

        Raises:
            UnknownModel: if there is none.
        """
        try:
            return self._read_json(f"{_folder(task, version)}model.json")
        except ObjectMissing:
            raise _unknown(task, version) from None

    def archive(self, task: str, version: str) -> bytes:
        """The model.tar.gz of a version.

        Raises:
            UnknownModel: if there is none.
        """
        try:
            return self._bucket.read(f"{_folder(task, version)}{ARCHIVE}").body
        except ObjectMissing:
            raise _unknown(task, version) from None

    def add(self, task: str, archive: bytes, origin: Mapping[str, Any]) -> dict[str, Any]:
        """Register the package in a model.tar.gz as a candidate, and return its record.

        Args:
            task: that it is for.
            archive: the content of the file.
            origin: what is known of how it came about; goes into the record.

        Raises:
            InvalidModelPackage: if it is damaged, or for another task.
        """
        shown = _shown_files(archive)
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
        current = self.current(task)
        record = {
            **told,
            "registered_at": now(),
            "parent": current.version if current else None,
            "decision": None,
            **origin,
        }
        folder = _folder(task, version)
        for name, content in shown.items():
            self._bucket.write(f"{folder}{name}", content, _content_type(name))
        self._bucket.write(f"{folder}{ARCHIVE}", archive, "application/gzip")
        # Last, so that whatever has a record is complete.
        self._bucket.write_json(f"{folder}record.json", record)
        return record

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
        self._bucket.write_json(f"{_folder(task, version)}record.json", record)
        return record

    def versions(self, task: str) -> Iterator[dict[str, Any]]:
        """The records of all versions with their `status`, the newest first."""
        current = self.current(task)
        records = sorted(self._records(task), key=lambda record: str(record["registered_at"]), reverse=True)
        for record in records:
            yield record | {"status": _status(record, current)}

    def _records(self, task: str) -> Iterator[dict[str, Any]]:
        for version in self._bucket.folders(f"{MODELS}{task}/"):
            # Without a record, somebody is registering it right now, or has not come to an end.
            with suppress(UnknownModel):
                yield self.record(task, version)

    def promote(self, task: str, version: str, endpoint: str | None) -> Deployment:
        """Let a version classify from now on.

        Raises:
            UnknownModel: if there is no such version.
        """
        record, before = self.record(task, version), self.current(task)
        # Promoting the current version again (to another endpoint, say) must not forget the one before.
        previous = before.version if before else None
        if before and before.version == version:
            previous = before.previous
        deployment = Deployment(version, record["sha256"], endpoint, previous, now())
        self._bucket.write_json(f"{MODELS}{task}/current.json", asdict(deployment))
        return deployment

    def roll_back(self, task: str, endpoint: str | None) -> Deployment:
        """Let the previous version classify again; the current one becomes the previous.

        Raises:
            NothingToRollBackTo: if there is no previous version.
        """
        current = self.current(task)
        if current is None or current.previous is None:
            raise NothingToRollBackTo(f"No other model has been deployed for {task} before the current one.")
        return self.promote(task, current.previous, endpoint)

    def _read_json(self, key: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._bucket.read(key).body)
        return document


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


def _shown_files(archive: bytes) -> dict[str, bytes]:
    """What of an archive people look at, by name: facts, card and pictures."""
    try:
        with tarfile.open(fileobj=BytesIO(archive), mode="r:gz") as tar:
            return {
                name: content.read()
                for entry in tar
                if _is_shown(name := entry.name.removeprefix("./"))
                and entry.size <= MOST_BYTES
                and (content := tar.extractfile(entry))
            }
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise InvalidModelPackage(f"{ARCHIVE} cannot be unpacked: {error}.") from error


def _is_shown(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    return name in ("model.json", "card.md") or (folder == "plots" and file.endswith(".svg"))


def _content_type(name: str) -> str:
    suffix = name.rpartition(".")[2]
    return {"json": "application/json", "md": "text/markdown; charset=utf-8", "svg": "image/svg+xml"}[suffix]
