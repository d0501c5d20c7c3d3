"""The stored model versions, for reading. `Registry` changes them."""

import json
from contextlib import suppress
from typing import Any

from chalicelib.errors import UnknownModel
from chalicelib.models.archive import ARCHIVE, is_shown
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.documents import Documents
from chalicelib.storage.errors import ObjectMissing

MODELS = "models/"


class VersionStore:
    """Reads `models/TASK/VERSION/` of the data bucket."""

    def __init__(self, bucket: DataBucket):
        self._bucket = bucket
        self._documents = Documents(bucket)

    def archive(self, task: str, version: str) -> bytes:
        """The model.tar.gz of a version.

        Raises:
            UnknownModel: if there is none.
        """
        try:
            return self._read(f"{version_folder(task, version)}{ARCHIVE}")
        except ObjectMissing:
            raise unknown_model(task, version) from None

    def archive_link(self, task: str, version: str) -> str:
        """A link to download the model.tar.gz of a version; it expires after some minutes.

        Raises:
            UnknownModel: if there is none.
        """
        self.record(task, version)
        return self._bucket.presign_download(f"{version_folder(task, version)}{ARCHIVE}", ARCHIVE)

    def shown(self, task: str, version: str, name: str) -> bytes:
        """A file of a version that is shown to people: `model.json`, `card.md` or `plots/NAME.svg`.

        Raises:
            UnknownModel: if there is no such version, or it has no such file.
        """
        if is_shown(name):
            with suppress(ObjectMissing):
                return self._read(f"{version_folder(task, version)}{name}")
        raise UnknownModel(f"There is no model '{version}' for {task}, or it has no file '{name}'.")

    def facts(self, task: str, version: str) -> dict[str, Any]:
        """The model.json of a version.

        Raises:
            UnknownModel: if there is no such version.
        """
        facts: dict[str, Any] = json.loads(self.shown(task, version, "model.json"))
        return facts

    def record(self, task: str, version: str) -> dict[str, Any]:
        """The record of a version.

        Raises:
            UnknownModel: if there is none.
        """
        try:
            return self._documents.read(record_key(task, version))
        except ObjectMissing:
            raise unknown_model(task, version) from None

    def _read(self, key: str) -> bytes:
        return self._documents.read_object(key).body


def version_folder(task: str, version: str) -> str:
    """The key prefix of all objects of a version."""
    return f"{MODELS}{task}/{version}/"


def record_key(task: str, version: str) -> str:
    """The key of a version's record."""
    return f"{version_folder(task, version)}record.json"


def unknown_model(task: str, version: str) -> UnknownModel:
    """The error for an unknown version."""
    return UnknownModel(f"There is no model '{version}' for {task}.")
