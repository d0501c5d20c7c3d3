"""Images as they arrive in the bucket, and the ids they get."""

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, unquote_plus

INBOX = "inbox/"
PREPARED = "prepared/"
_UPLOAD = re.compile(r"upload-([0-9a-f]{32})")
_PREPARED_KEY = re.compile(r"prepared/([^/]+)/([0-9a-f]{32})\.npy")


def new_id(*parts: str | bytes) -> str:
    """A 128-bit hexadecimal id that depends on `parts` alone."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:32]


def random_token() -> str:
    """128 bits in hexadecimal that nobody can guess."""
    return secrets.token_hex(16)


@dataclass(frozen=True)
class InboxObject:
    """An object under `inbox/`."""

    bucket: str
    key: str
    etag: str
    size: int
    """Bytes."""
    version_id: str | None = None
    """Which of the versions that the bucket keeps; None where that is not known."""
    time: str | None = field(default=None, compare=False)
    """When S3 had it, ISO 8601; None where that is not known."""

    @property
    def task_name(self) -> str:
        """The folder under `inbox/`; empty for a file that lies in none."""
        parts = self.key.split("/")
        return parts[1] if len(parts) > 2 else ""

    @property
    def name(self) -> str:
        """The path below the task's folder. It may name a patient: never log it, never put it in a result."""
        return self.key.split("/", 2)[-1]

    @property
    def id(self) -> str:
        """The upload's own id, else one made of bucket, key and ETag: the same however often S3 delivers."""
        upload = _UPLOAD.fullmatch(self.name)
        return upload_id(self.task_name, upload[1]) if upload else new_id(self.bucket, self.key, self.etag)

    @property
    def channel(self) -> str:
        """How the image came: "upload" or "drop-folder"."""
        return "upload" if _UPLOAD.fullmatch(self.name) else "drop-folder"

    @property
    def version(self) -> str | None:
        """The ETag to hold S3 to. An upload form may be sent twice: the id stands for what came last."""
        return self.etag if self.channel == "drop-folder" else None

    @property
    def is_folder(self) -> bool:
        """Whether this is the empty object that the S3 console creates for a folder."""
        return self.key.endswith("/") and self.size == 0


def upload_key(task: str, token: str) -> str:
    """Where the browser puts an upload. The name it had on the user's disk is left there."""
    return f"{INBOX}{task}/upload-{token}"


def upload_id(task: str, token: str) -> str:
    """The id of an upload, known before there is content; a copy in another task's folder has another."""
    return new_id("upload", task, token)


def prepared_key(task: str, image_id: str) -> str:
    """Where the prepared array of an image lies."""
    return f"{PREPARED}{task}/{image_id}.npy"


def parse_prepared_key(key: str) -> tuple[str, str]:
    """Task and image id of a prepared array.

    Raises:
        ValueError: if `key` is not one of ours.
    """
    match = _PREPARED_KEY.fullmatch(key)
    if not match:
        raise ValueError("not the key of a prepared array")
    return match[1], match[2]


def event_objects(event: Mapping[str, Any]) -> Iterator[InboxObject]:
    """The objects an S3 event speaks of, with their keys decoded; folders are left out."""
    for bucket, record, time in _objects(event):
        stored = InboxObject(
            bucket,
            unquote_plus(record["key"]),
            record["eTag"].strip('"'),
            record["size"],
            record.get("versionId"),
            time,
        )
        if not stored.is_folder:
            yield stored


def event_keys(event: Mapping[str, Any]) -> list[str]:
    """The decoded keys an S3 event speaks of."""
    return [unquote_plus(record["key"]) for _, record, _ in _objects(event)]


def event_for(stored: InboxObject) -> dict[str, Any]:
    """The S3 event that would announce `stored`, to send it through once more."""
    entry = {
        "key": quote_plus(stored.key, safe="/"),
        "eTag": stored.etag,
        "size": stored.size,
    }
    if stored.version_id:
        entry["versionId"] = stored.version_id
    record = {"eventSource": "aws:s3", "s3": {"bucket": {"name": stored.bucket}, "object": entry}}
    return {"Records": [record | ({"eventTime": stored.time} if stored.time else {})]}


def _objects(event: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], str | None]]:
    """Bucket, object and time of every record."""
    # S3 sends a test event without records when notifications are switched on.
    for record in event.get("Records", ()):
        yield record["s3"]["bucket"]["name"], record["s3"]["object"], record.get("eventTime")
