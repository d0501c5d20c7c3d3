"""The data bucket."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, TypedDict

from boto3.s3.transfer import TransferConfig

from chalicelib.storage.errors import NO_VERSION, anonymous_errors, conditional
from chalicelib.storage.inbox import INBOX, InboxObject
from chalicelib.timestamps import timestamp

_GIB = 1024**3
_COPYING = TransferConfig(multipart_threshold=5 * _GIB, multipart_chunksize=_GIB, use_threads=False)
"""A single CopyObject up to the size that S3 allows (5 GiB): it keeps tags and metadata."""

_LINES_BYTES = 1 << 20
"""Bytes of lines that are read at once."""

MAX_KEY_BYTES = 1024
"""S3's limit."""

UPLOAD_SECONDS = 900
"""Validity of presigned upload forms and download links."""


def presigning(endpoint_url: str | None) -> dict[str, Any]:
    """The botocore Config of an S3 client whose presigned forms and links work in browsers.

    They must name the regional host, or browsers are redirected. An emulator has no host for each bucket.

    Args:
        endpoint_url: the emulator's address; None at AWS.
    """
    return {
        "signature_version": "s3v4",
        "s3": {"addressing_style": "path" if endpoint_url else "virtual"},
    }


@dataclass(frozen=True)
class StoredObject:
    """An object's content with its metadata."""

    body: bytes
    metadata: dict[str, str]
    etag: str


@dataclass(frozen=True)
class ObjectVersion:
    """A version of an object, or a delete marker."""

    key: str
    version_id: str
    etag: str | None
    """None for a delete marker."""
    latest: bool
    time: datetime
    """When it was stored."""


class UploadForm(TypedDict):
    """A presigned form (multipart/form-data): send the fields first, then the file."""

    url: str
    fields: dict[str, str]


class Link(TypedDict):
    """A presigned link: whoever has it can get the object, without any permission."""

    url: str
    headers: dict[str, str]
    """To be sent with the request."""


class DataBucket:
    """Reads and writes the bucket of images, arrays and results. `client` is a boto3 S3 client."""

    def __init__(self, client: Any, name: str):
        self._client = client
        self.name = name

    def read(self, key: str, etag: str | None = None, version_id: str | None = None) -> StoredObject:
        """The object at `key`; if `etag` or `version_id` is given, that version of it.

        Raises:
            ObjectMissing: if there is none (any more).
        """
        condition = {"IfMatch": f'"{etag}"'} if etag else {}
        if version_id:
            condition = {"VersionId": version_id}
        with anonymous_errors(self._client, NO_VERSION if version_id else ()):
            response = self._client.get_object(Bucket=self.name, Key=key, **condition)
            body = response["Body"].read()
        return StoredObject(body, response["Metadata"], response["ETag"].strip('"'))

    def lines(self, key: str) -> Iterator[bytes]:
        """The lines of the object at `key`, without their ends. Memory holds a part of them at a time.

        Raises:
            ObjectMissing: if there is none.
        """
        with anonymous_errors(self._client):
            body = self._client.get_object(Bucket=self.name, Key=key)["Body"]
        yield from body.iter_lines(_LINES_BYTES)

    def etag(self, key: str) -> str:
        """The ETag of the object at `key`.

        Raises:
            ObjectMissing: if there is none.
        """
        with anonymous_errors(self._client):
            return str(self._client.head_object(Bucket=self.name, Key=key)["ETag"]).strip('"')

    def version_id(self, key: str, etag: str) -> str | None:
        """The version of the object at `key` with that ETag; None if the bucket keeps no versions.

        Raises:
            ObjectMissing: if there is none (any more).
        """
        with anonymous_errors(self._client):
            found = self._client.head_object(Bucket=self.name, Key=key, IfMatch=f'"{etag}"').get("VersionId")
        return str(found) if found not in (None, "null") else None

    def exists(self, key: str) -> bool:
        """Whether there is an object at `key`, according to a list request.

        Roles that may not list the whole bucket get "access denied" when they read a missing object.
        """
        with anonymous_errors(self._client):
            found = self._client.list_objects_v2(Bucket=self.name, Prefix=key, MaxKeys=1)
        return any(entry["Key"] == key for entry in found.get("Contents", ()))

    def write(
        self,
        key: str,
        body: bytes | IO[bytes],
        content_type: str,
        metadata: dict[str, str] | None = None,
    ) -> None:
        """Store `body`, bytes or a file, at `key`. Metadata values must be ASCII."""
        with anonymous_errors(self._client):
            self._client.put_object(
                Bucket=self.name, Key=key, Body=body, ContentType=content_type, Metadata=metadata or {}
            )

    def create(self, key: str, body: bytes, content_type: str) -> None:
        """Store `body` at `key`, if there is no object.

        Raises:
            ObjectChanged: if there is one, or another writer is storing one.
        """
        with conditional(), anonymous_errors(self._client):
            self._client.put_object(
                Bucket=self.name, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*"
            )

    def write_json(self, key: str, document: Mapping[str, Any]) -> None:
        """Store `document` at `key`."""
        self.write(key, _json(document), "application/json")

    def replace_json(
        self, key: str, document: Mapping[str, Any], etag: str | None, metadata: dict[str, str]
    ) -> None:
        """Store `document` at `key` if the object there has this ETag; with None, if there is no object.

        Raises:
            ObjectChanged: if the condition does not hold.
        """
        condition = {"IfMatch": f'"{etag}"'} if etag else {"IfNoneMatch": "*"}
        with conditional(), anonymous_errors(self._client):
            self._client.put_object(
                Bucket=self.name,
                Key=key,
                Body=_json(document),
                ContentType="application/json",
                Metadata=metadata,
                **condition,
            )

    def copy(self, source: str, target: str, etag: str | None = None, version_id: str | None = None) -> None:
        """Copy an object within the bucket; if `etag` or `version_id` is given, that version of it.

        Raises:
            ObjectMissing: if there is none (any more).
        """
        condition = {"CopySourceIfMatch": f'"{etag}"'} if etag and not version_id else {}
        origin = {"Bucket": self.name, "Key": source} | ({"VersionId": version_id} if version_id else {})
        with anonymous_errors(self._client, NO_VERSION if version_id else ()):
            self._client.copy(origin, self.name, target, ExtraArgs=condition, Config=_COPYING)

    def folders(self, prefix: str) -> Iterator[str]:
        """Names of the folders directly below `prefix`, which ends in a slash."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, Delimiter="/"
        )
        for page in pages:
            for entry in page.get("CommonPrefixes", ()):
                yield entry["Prefix"].removeprefix(prefix).rstrip("/")

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """The keys of all objects below `prefix`, which ends in a slash, that sort after the key `after`."""
        start = {"StartAfter": after} if after else {}
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, **start
        )
        for page in pages:
            for entry in page.get("Contents", ()):
                yield entry["Key"]

    def changes(self, prefix: str) -> Iterator[tuple[str, str]]:
        """The keys of all objects below `prefix`, which ends in a slash, and when each was last stored."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", ()):
                yield entry["Key"], timestamp(entry["LastModified"])

    def sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        """The keys of all objects whose keys begin with `prefix`, and their bytes."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", ()):
                yield entry["Key"], entry["Size"]

    def delete(self, key: str, etag: str | None = None) -> None:
        """Delete an object; if `etag` is given, only if it is that version. Older versions are kept.

        Raises:
            ObjectMissing: if the object has another ETag.
        """
        condition = {"IfMatch": f'"{etag}"'} if etag else {}
        with anonymous_errors(self._client):
            self._client.delete_object(Bucket=self.name, Key=key, **condition)

    def versions(self, prefix: str) -> Iterator[ObjectVersion]:
        """All versions of all objects whose keys begin with `prefix`, and their delete markers."""
        for page, _ in self.version_pages(prefix):
            yield from page

    def version_pages(self, prefix: str, after: str = "") -> Iterator[tuple[list[ObjectVersion], str]]:
        """As `versions`, behind the key `after`: pages of a thousand, each with its last key."""
        request = {"Bucket": self.name, "Prefix": prefix} | ({"KeyMarker": after} if after else {})
        for page in self._client.get_paginator("list_object_versions").paginate(**request):
            found = [
                _version(entry) for kind in ("Versions", "DeleteMarkers") for entry in page.get(kind, ())
            ]
            if found:
                yield found, max(one.key for one in found)

    def delete_version(self, version: ObjectVersion) -> None:
        """Delete a version of an object for good."""
        with anonymous_errors(self._client):
            self._client.delete_object(Bucket=self.name, Key=version.key, VersionId=version.version_id)

    def presign_upload(
        self, key: str, size: int, content_type: str, sha256: bytes | None = None
    ) -> UploadForm:
        """A form with which a browser may store exactly `size` bytes at `key`, with this digest if given."""
        fields = {"Content-Type": content_type}
        if sha256:
            digest = base64.b64encode(sha256).decode()
            fields |= {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-sha256": digest}
        form: UploadForm = self._client.generate_presigned_post(
            Bucket=self.name,
            Key=key,
            Fields=fields,
            Conditions=[
                *({name: value} for name, value in fields.items()),
                ["content-length-range", size, size],
            ],
            ExpiresIn=UPLOAD_SECONDS,
        )
        return form

    def presign_download(self, key: str, filename: str) -> str:
        """A link to download an object; valid for `UPLOAD_SECONDS`."""
        link: str = self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self.name,
                "Key": key,
                "ResponseContentDisposition": f'attachment; filename="{filename}"',
            },
            ExpiresIn=UPLOAD_SECONDS,
        )
        return link

    def link(self, key: str, etag: str | None = None, version_id: str | None = None) -> Link:
        """A link to the object at `key`; if `etag` or `version_id` is given, to that version of it."""
        condition = {"IfMatch": f'"{etag}"'} if etag else {}
        if version_id:
            condition = {"VersionId": version_id}
        url = self._client.generate_presigned_url(
            "get_object", Params={"Bucket": self.name, "Key": key} | condition, ExpiresIn=UPLOAD_SECONDS
        )
        return {"url": url, "headers": {"If-Match": condition["IfMatch"]} if "IfMatch" in condition else {}}

    def inbox(self, after: str = "") -> Iterator[tuple[list[InboxObject], str]]:
        """The objects under `inbox/` after the key `after`: pages of a thousand, each with its last key."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=INBOX, StartAfter=after
        )
        for page in pages:
            entries = page.get("Contents", ())
            objects = [
                InboxObject(
                    self.name,
                    entry["Key"],
                    entry["ETag"].strip('"'),
                    entry["Size"],
                    time=timestamp(entry["LastModified"]),
                )
                for entry in entries
            ]
            if entries:
                yield [one for one in objects if not one.is_folder], entries[-1]["Key"]


def _version(entry: Mapping[str, Any]) -> ObjectVersion:
    etag = entry["ETag"].strip('"') if "ETag" in entry else None
    return ObjectVersion(entry["Key"], entry["VersionId"], etag, entry["IsLatest"], entry["LastModified"])


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
