"""Objects that arrive in the bucket, their keys and the ids of their images."""

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote_plus, unquote_plus

INBOX = "inbox/"
PREPARED = "prepared/"
PICTURES = "pictures/"
_UPLOAD = re.compile(r"upload-([0-9a-f]{32})")
_IMAGE_KEY = re.compile(r"[^/]+/([^/]+)/([0-9a-f]{32})\..+")
_PREPARED_KEY = re.compile(r"prepared/([^/]+)/([0-9a-f]{32})\.npy")


def new_id(*parts: str | bytes) -> str:
    """A hexadecimal id of 128 bits, determined by `parts`."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:32]


def random_token() -> str:
    """128 unpredictable bits in hexadecimal."""
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
    """The version in the bucket; None if unknown."""
    time: str | None = field(default=None, compare=False)
    """When the object was stored, ISO 8601; None if unknown."""

    @property
    def task_name(self) -> str:
        """The folder under `inbox/`; empty for a file directly in the inbox."""
        parts = self.key.split("/")
        return parts[1] if len(parts) > 2 else ""

    @property
    def name(self) -> str:
        """The path below the task's folder. It may name a patient: never log it or put it into a result."""
        return self.key.split("/", 2)[-1]

    @property
    def id(self) -> str:
        """The upload's id, or one derived from bucket, key and ETag. Repeated events have the same id."""
        upload = _UPLOAD.fullmatch(self.name)
        return upload_id(self.task_name, upload[1]) if upload else new_id(self.bucket, self.key, self.etag)

    @property
    def channel(self) -> Literal["upload", "drop-folder"]:
        """How the image arrived."""
        return "upload" if _UPLOAD.fullmatch(self.name) else "drop-folder"

    @property
    def version(self) -> str | None:
        """The ETag to read; None for uploads, whose form may be sent twice: the last content counts."""
        return self.etag if self.channel == "drop-folder" else None

    @property
    def is_folder(self) -> bool:
        """Whether this is the empty object that the S3 console creates for a folder."""
        return self.key.endswith("/") and self.size == 0


def upload_key(task: str, token: str) -> str:
    """The key of an upload. It does not contain the file's name on the user's disk."""
    return f"{INBOX}{task}/upload-{token}"


def upload_id(task: str, token: str) -> str:
    """The id of an upload, known before its content. A copy in another task's folder has another id."""
    return new_id("upload", task, token)


def prepared_key(task: str, image_id: str) -> str:
    """The key of an image's prepared array."""
    return f"{PREPARED}{task}/{image_id}.npy"


def picture_key(task: str, image_id: str, sha256: str) -> str:
    """The key of an image's display picture, which is never another image's: it names the content."""
    return f"{picture_prefix(task, image_id)}{sha256}"


def picture_prefix(task: str, image_id: str) -> str:
    """What the keys of an image's display pictures begin with: of one, unless an upload was sent twice."""
    return f"{PICTURES}{task}/{image_id}."


def parse_image_key(key: str) -> tuple[str, str] | None:
    """Task and image id of an array or a display picture; None if `key` is of neither."""
    match = _IMAGE_KEY.fullmatch(key)
    return (match[1], match[2]) if match else None


def parse_prepared_key(key: str) -> tuple[str, str]:
    """Task and image id of a prepared array.

    Raises:
        ValueError: if `key` is not the key of a prepared array.
    """
    match = _PREPARED_KEY.fullmatch(key)
    if not match:
        raise ValueError("not the key of a prepared array")
    return match[1], match[2]


def event_objects(event: Mapping[str, Any]) -> Iterator[InboxObject]:
    """The objects of an S3 event, with decoded keys, without folders."""
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
    """The decoded keys of an S3 event."""
    return [unquote_plus(record["key"]) for _, record, _ in _objects(event)]


def event_for(stored: InboxObject) -> dict[str, Any]:
    """The S3 event that announces `stored`, to process it again."""
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
