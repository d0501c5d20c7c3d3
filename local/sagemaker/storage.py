"""Transfer of files from and to S3 with the permissions of a role."""

import json
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker.errors import JobFailed

FAILURES = (Boto3Error, BotoCoreError, ClientError)
CHUNK = 1024 * 1024
DOWNLOAD_THREADS = 4


class S3Location(NamedTuple):
    """A bucket with a key or a key prefix."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "S3Location":
        """Parse an s3:// URI."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return cls(bucket, key)

    def below(self, name: str) -> "S3Location":
        """The location of `name` under this prefix."""
        return S3Location(self.bucket, f"{self.key.rstrip('/')}/{name}".lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class S3Object(NamedTuple):
    """An object and its path relative to the listed prefix."""

    location: S3Location
    path: str


class Storage:
    """S3 with the permissions of a role. All methods raise JobFailed if S3 refuses a request."""

    def __init__(self, client: Any, role_arn: str) -> None:
        self._client = client
        self._role_arn = role_arn

    def exists(self, uri: str) -> bool:
        """Whether there is an object that the role can read. Never raises."""
        location = S3Location.parse(uri)
        try:
            self._client.head_object(Bucket=location.bucket, Key=location.key)
        except FAILURES:
            return False
        return True

    def find(self, data_type: str, uri: str) -> list[S3Object]:
        """The objects of a data source of type S3Prefix or ManifestFile: at least one."""
        try:
            items = list(self._manifest(uri) if data_type == "ManifestFile" else self._prefix(uri))
        except FAILURES as error:
            raise self._nothing_found(uri, f" Error message from S3: {error}") from error
        except (ValueError, AttributeError, KeyError, TypeError, IndexError) as error:
            raise JobFailed(
                f"ClientError: Data download failed: {uri} is not a valid manifest: {error}"
            ) from error
        if not items:
            raise self._nothing_found(uri)
        return items

    def under(self, location: S3Location) -> list[S3Object]:
        """The objects under a prefix, possibly none."""
        try:
            return list(self._prefix(str(location)))
        except FAILURES as error:
            raise JobFailed(f"ClientError: Data download failed: {location}: {error}") from error

    def download(self, items: list[S3Object], folder: Path) -> None:
        """Download objects into a folder, each to its path."""
        with ThreadPoolExecutor(DOWNLOAD_THREADS) as threads:
            list(threads.map(lambda item: self._download(item, folder), items))

    def download_file(self, uri: str, target: Path) -> None:
        """Download one object to a file."""
        location = S3Location.parse(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            body = self._client.get_object(Bucket=location.bucket, Key=location.key)["Body"]
            with target.open("wb") as file:
                shutil.copyfileobj(body, file, CHUNK)
        except (*FAILURES, OSError) as error:
            raise JobFailed(f"ClientError: Data download failed: {uri}: {error}") from error

    def read(self, location: S3Location) -> bytes:
        """Read the content of an object."""
        try:
            content: bytes = self._client.get_object(Bucket=location.bucket, Key=location.key)["Body"].read()
        except FAILURES as error:
            raise JobFailed(f"ClientError: Data download failed: {location}: {error}") from error
        return content

    def write(self, location: S3Location, content: bytes, key_id: str | None = None) -> None:
        """Write an object, encrypted with a KMS key if one is given."""
        try:
            self._client.put_object(
                Bucket=location.bucket, Key=location.key, Body=content, **_encryption(key_id)
            )
        except FAILURES as error:
            raise _not_uploaded(location, error) from error

    def upload(self, file: Path, location: S3Location, key_id: str | None = None) -> None:
        """Upload a file, encrypted with a KMS key if one is given."""
        try:
            self._client.upload_file(
                str(file), location.bucket, location.key, ExtraArgs=_encryption(key_id) or None
            )
        except (*FAILURES, OSError) as error:
            raise _not_uploaded(location, error) from error

    def upload_folder(self, folder: Path, location: S3Location, key_id: str | None = None) -> None:
        """Upload every file of a folder under a prefix."""
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            self.upload(file, location.below(file.relative_to(folder).as_posix()), key_id)

    def upload_archive(self, folder: Path, location: S3Location, key_id: str | None = None) -> None:
        """Upload a folder as .tar.gz."""
        with tempfile.TemporaryDirectory() as temporary:
            file = Path(temporary) / "archive.tar.gz"
            with tarfile.open(file, "w:gz", compresslevel=1) as archive:
                for path in sorted(folder.iterdir()):
                    archive.add(path, arcname=path.name)
            self.upload(file, location, key_id)

    def _download(self, item: S3Object, folder: Path) -> None:
        target = (folder / item.path).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise JobFailed(
                f"ClientError: Data download failed: {item.location} would be written outside its folder."
            )
        self.download_file(str(item.location), target)

    def _prefix(self, uri: str) -> Iterator[S3Object]:
        bucket, prefix = location = S3Location.parse(uri)
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", ()):
                key = entry["Key"]
                if not key.endswith("/"):  # a console's placeholder for an empty folder
                    path = key.removeprefix(prefix).lstrip("/") or key.rpartition("/")[2]
                    yield S3Object(S3Location(location.bucket, key), path)

    def _manifest(self, uri: str) -> Iterator[S3Object]:
        location = S3Location.parse(uri)
        body = self._client.get_object(Bucket=location.bucket, Key=location.key)["Body"]
        first, *paths = json.loads(body.read())
        start = S3Location.parse(first["prefix"])
        for path in paths:
            yield S3Object(S3Location(start.bucket, start.key + path), path)

    def _nothing_found(self, uri: str, detail: str = "") -> JobFailed:
        bucket = S3Location.parse(uri).bucket
        return JobFailed(
            f'ClientError: Data download failed: No S3 objects found under S3 URL "{uri}" given in input '
            "data source. Please ensure that the bucket exists, that objects exist under that S3 prefix, and "
            f'that the role "{self._role_arn}" has "s3:ListBucket" permissions on bucket "{bucket}".{detail}'
        )


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a .tar.gz; raise JobFailed if it is damaged or has members outside the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
            assert opened.fileobj
            while opened.fileobj.read(1 << 20):  # verifies the checksum, which comes last
                pass
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise JobFailed(f"ClientError: {archive.name} cannot be unpacked: {error}") from error


def _encryption(key_id: str | None) -> dict[str, str]:
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}


def _not_uploaded(location: S3Location, error: Exception) -> JobFailed:
    return JobFailed(f"ClientError: Data upload failed: {location}: {error}")
