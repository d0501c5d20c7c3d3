"""Files in S3, moved with the rights of a role."""

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
THREADS = 4  # that fetch objects at the same time


class Place(NamedTuple):
    """A key, or a prefix of keys, in a bucket."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "Place":
        """What an s3:// URI names."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return cls(bucket, key)

    def below(self, name: str) -> "Place":
        """`name` in the folder that this place is."""
        return Place(self.bucket, f"{self.key.rstrip('/')}/{name}".lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class Item(NamedTuple):
    """An object, and its path relative to what it was listed under."""

    place: Place
    path: str


class Storage:
    """S3 as a role may use it. Where it may not, or something is not there, JobFailed says so."""

    def __init__(self, client: Any, role_arn: str) -> None:
        self._client = client
        self._role_arn = role_arn

    def exists(self, uri: str) -> bool:
        """Whether there is an object that the role may read."""
        place = Place.parse(uri)
        try:
            self._client.head_object(Bucket=place.bucket, Key=place.key)
        except FAILURES:
            return False
        return True

    def find(self, data_type: str, uri: str) -> list[Item]:
        """The objects that a data source of type S3Prefix or ManifestFile names."""
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

    def under(self, place: Place) -> list[Item]:
        """The objects under a prefix; there may be none."""
        try:
            return list(self._prefix(str(place)))
        except FAILURES as error:
            raise JobFailed(f"ClientError: Data download failed: {place}: {error}") from error

    def download(self, items: list[Item], folder: Path) -> None:
        """Bring objects into a folder, each to its path."""
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(lambda item: self._download(item, folder), items))

    def fetch(self, uri: str, target: Path) -> None:
        """Bring one object to a path."""
        place = Place.parse(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            body = self._client.get_object(Bucket=place.bucket, Key=place.key)["Body"]
            with target.open("wb") as file:
                shutil.copyfileobj(body, file, CHUNK)
        except (*FAILURES, OSError) as error:
            raise JobFailed(f"ClientError: Data download failed: {uri}: {error}") from error

    def read(self, place: Place) -> bytes:
        """The content of one object."""
        try:
            content: bytes = self._client.get_object(Bucket=place.bucket, Key=place.key)["Body"].read()
        except FAILURES as error:
            raise JobFailed(f"ClientError: Data download failed: {place}: {error}") from error
        return content

    def write(self, place: Place, content: bytes, key_id: str | None = None) -> None:
        """Store one object, encrypted with a key of KMS if one is given."""
        try:
            self._client.put_object(Bucket=place.bucket, Key=place.key, Body=content, **_encryption(key_id))
        except FAILURES as error:
            raise _not_uploaded(place, error) from error

    def upload(self, file: Path, place: Place, key_id: str | None = None) -> None:
        """Store a file, encrypted with a key of KMS if one is given."""
        try:
            self._client.upload_file(
                str(file), place.bucket, place.key, ExtraArgs=_encryption(key_id) or None
            )
        except (*FAILURES, OSError) as error:
            raise _not_uploaded(place, error) from error

    def upload_folder(self, folder: Path, place: Place, key_id: str | None = None) -> None:
        """Store every file of a folder under a prefix."""
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            self.upload(file, place.below(file.relative_to(folder).as_posix()), key_id)

    def upload_archive(self, folder: Path, place: Place, key_id: str | None = None) -> None:
        """Store a folder as .tar.gz."""
        with tempfile.TemporaryDirectory() as temporary:
            file = Path(temporary) / "archive.tar.gz"
            with tarfile.open(file, "w:gz", compresslevel=1) as archive:
                for path in sorted(folder.iterdir()):
                    archive.add(path, arcname=path.name)
            self.upload(file, place, key_id)

    def _download(self, item: Item, folder: Path) -> None:
        target = (folder / item.path).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise JobFailed(f"ClientError: Data download failed: {item.place} would leave its folder.")
        self.fetch(str(item.place), target)

    def _prefix(self, uri: str) -> Iterator[Item]:
        bucket, prefix = place = Place.parse(uri)
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", ()):
                key = entry["Key"]
                if not key.endswith("/"):  # what consoles make to show an empty folder
                    path = key.removeprefix(prefix).lstrip("/") or key.rpartition("/")[2]
                    yield Item(Place(place.bucket, key), path)

    def _manifest(self, uri: str) -> Iterator[Item]:
        place = Place.parse(uri)
        body = self._client.get_object(Bucket=place.bucket, Key=place.key)["Body"]
        first, *paths = json.loads(body.read())
        start = Place.parse(first["prefix"])
        for path in paths:
            yield Item(Place(start.bucket, start.key + path), path)

    def _nothing_found(self, uri: str, detail: str = "") -> JobFailed:
        bucket = Place.parse(uri).bucket
        return JobFailed(
            f'ClientError: Data download failed: No S3 objects found under S3 URL "{uri}" given in input '
            "data source. Please ensure that the bucket exists, that objects exist under that S3 prefix, and "
            f'that the role "{self._role_arn}" has "s3:ListBucket" permissions on bucket "{bucket}".{detail}'
        )


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a .tar.gz; raise JobFailed if it is damaged or would write elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
            assert opened.fileobj
            while opened.fileobj.read(1 << 20):  # the checksum comes last
                pass
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise JobFailed(f"ClientError: {archive.name} cannot be unpacked: {error}") from error


def _encryption(key_id: str | None) -> dict[str, str]:
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}


def _not_uploaded(place: Place, error: Exception) -> JobFailed:
    return JobFailed(f"ClientError: Data upload failed: {place}: {error}")
