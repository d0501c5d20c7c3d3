"""The data bucket."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError

from chalicelib.storage.inbox import INBOX, InboxObject
from chalicelib.timestamps import timestamp

_MISSING = ("NoSuchKey", "NoSuchVersion", "404", "PreconditionFailed", "412")
_NO_VERSION = ("InvalidArgument", "400")
"""What S3 says of a version that never was."""
_CONFLICTS = ("ConditionalRequestConflict", "409")
"""What S3 says of a conditional write while another one of the same object is under way."""
_GIB = 1024**3
_COPYING = TransferConfig(multipart_threshold=5 * _GIB, multipart_chunksize=_GIB, use_threads=False)
"""One CopyObject as far as S3 takes it, which keeps tags and metadata."""

_DENIED = ("AccessDenied", "403")

MAX_KEY_BYTES = 1024
"""S3's limit."""

UPLOAD_SECONDS = 900
"""How long a presigned upload form can be used."""


class ObjectMissing(Exception):
    """There is no such object (any more)."""


class ObjectChanged(Exception):
    """The object is not what the writer took it to be: it is there, gone, or another by now."""


class StorageFailed(Exception):
    """S3 refused something it should not refuse, or could not be reached."""


class AccessDenied(StorageFailed):
    """S3 denied access. A role that may not list the bucket is answered this about a missing object, too."""


def presigning(endpoint_url: str | None) -> dict[str, Any]:
    """How a client of S3 is set up (botocore's Config) whose presigned forms and links browsers can use.

    They must name the regional host, or browsers are redirected; an emulator, which `endpoint_url` names, has
    no host for each bucket.
    """
    return {
        "signature_version": "s3v4",
        "s3": {"addressing_style": "path" if endpoint_url else "virtual"},
    }


@dataclass(frozen=True)
class StoredObject:
    """An object's content and what was said about it."""

    body: bytes
    metadata: dict[str, str]
    etag: str


class DataBucket:
    """Reads and writes the bucket that images, arrays and results lie in. `client` is a boto3 S3 client."""

    def __init__(self, client: Any, name: str):
        self._client = client
        self.name = name

    def read(self, key: str, etag: str | None = None, version_id: str | None = None) -> StoredObject:
        """The object at `key`, in the very version that `etag` or `version_id` names if one is given.

        Raises:
            ObjectMissing: if there is none (any more).
        """
        condition = {"IfMatch": f'"{etag}"'} if etag else {}
        if version_id:
            condition = {"VersionId": version_id}
        with self._anonymous_errors(_NO_VERSION if version_id else ()):
            response = self._client.get_object(Bucket=self.name, Key=key, **condition)
            body = response["Body"].read()
        return StoredObject(body, response["Metadata"], response["ETag"].strip('"'))

    def etag(self, key: str) -> str:
        """The ETag of the object at `key`.

        Raises:
            ObjectMissing: if there is none.
        """
        with self._anonymous_errors():
            return str(self._client.head_object(Bucket=self.name, Key=key)["ETag"]).strip('"')

    def version_id(self, key: str, etag: str) -> str | None:
        """The version of the object at `key` with that ETag; None if the bucket keeps no versions.

        Raises:
            ObjectMissing: if there is none (any more).
        """
        with self._anonymous_errors():
            found = self._client.head_object(Bucket=self.name, Key=key, IfMatch=f'"{etag}"').get("VersionId")
        return str(found) if found not in (None, "null") else None

    def exists(self, key: str) -> bool:
        """Whether there is an object at `key`, told from a list.

        Who may not list the whole bucket is answered "access denied" when reading what is missing.
        """
        with self._anonymous_errors():
            found = self._client.list_objects_v2(Bucket=self.name, Prefix=key, MaxKeys=1)
        return any(entry["Key"] == key for entry in found.get("Contents", ()))

    def write(
        self,
        key: str,
        body: bytes | IO[bytes],
        content_type: str,
        metadata: dict[str, str] | None = None,
    ) -> None:
        """Put `body`, bytes or a file, at `key`; metadata values must be ASCII."""
        with self._anonymous_errors():
            self._client.put_object(
                Bucket=self.name, Key=key, Body=body, ContentType=content_type, Metadata=metadata or {}
            )

    def write_json(self, key: str, document: dict[str, Any]) -> None:
        """Put `document` at `key`."""
        self.write(key, _json(document), "application/json")

    def replace_json(
        self, key: str, document: dict[str, Any], etag: str | None, metadata: dict[str, str]
    ) -> None:
        """Put `document` at `key` if what is there has this ETag; with None, if nothing is there.

        Raises:
            ObjectChanged: if there is something else.
        """
        condition = {"IfMatch": f'"{etag}"'} if etag else {"IfNoneMatch": "*"}
        with self._conditional(), self._anonymous_errors():
            self._client.put_object(
                Bucket=self.name,
                Key=key,
                Body=_json(document),
                ContentType="application/json",
                Metadata=metadata,
                **condition,
            )

    def copy(self, source: str, target: str, etag: str | None = None, version_id: str | None = None) -> None:
        """Copy an object within the bucket, in the very version that `etag` or `version_id` names.

        Raises:
            ObjectMissing: if there is none (any more).
        """
        condition = {"CopySourceIfMatch": f'"{etag}"'} if etag and not version_id else {}
        origin = {"Bucket": self.name, "Key": source} | ({"VersionId": version_id} if version_id else {})
        with self._anonymous_errors(_NO_VERSION if version_id else ()):
            self._client.copy(origin, self.name, target, ExtraArgs=condition, Config=_COPYING)

    def folders(self, prefix: str) -> Iterator[str]:
        """Names of the folders directly below `prefix`, which ends in a slash."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, Delimiter="/"
        )
        for page in pages:
            for entry in page.get("CommonPrefixes", ()):
                yield entry["Prefix"].removeprefix(prefix).rstrip("/")

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys of all objects below `prefix`, which ends in a slash."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", ()):
                yield entry["Key"]

    def delete(self, key: str, etag: str | None = None) -> None:
        """Delete an object, only in the very version that `etag` names if it is given.

        Older versions of it stay, as the bucket is set up.

        Raises:
            ObjectMissing: if another object stands in its place.
        """
        condition = {"IfMatch": f'"{etag}"'} if etag else {}
        with self._anonymous_errors():
            self._client.delete_object(Bucket=self.name, Key=key, **condition)

    def presign_upload(self, key: str, size: int, content_type: str) -> dict[str, Any]:
        """A form with which a browser may put exactly `size` bytes at exactly `key`: `{"url", "fields"}`."""
        form: dict[str, Any] = self._client.generate_presigned_post(
            Bucket=self.name,
            Key=key,
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", size, size]],
            ExpiresIn=UPLOAD_SECONDS,
        )
        return form

    def presign_download(self, key: str, filename: str) -> str:
        """A link under which the object can be fetched once or often for some minutes."""
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

    def inbox(self, after: str = "") -> Iterator[tuple[list[InboxObject], str]]:
        """What lies under `inbox/` behind the key `after`, a thousand at a time, and the last key of each."""
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

    @contextmanager
    def _conditional(self) -> Iterator[None]:
        """What another writer has done in the meantime."""
        try:
            yield
        except ObjectMissing:
            raise ObjectChanged from None
        except StorageFailed as error:
            if str(error).endswith(_CONFLICTS):
                raise ObjectChanged from None
            raise

    @contextmanager
    def _anonymous_errors(self, missing: tuple[str, ...] = ()) -> Iterator[None]:
        """S3's messages quote the key, which may name a patient, and Lambda logs whatever is raised."""
        try:
            yield
        except self._client.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _MISSING or code in missing:
                raise ObjectMissing from None
            failure = AccessDenied if code in _DENIED else StorageFailed
            raise failure(f"{error.operation_name}: {code}") from None
        except BotoCoreError as error:
            raise StorageFailed(type(error).__name__) from None


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
