"""Files on disk and objects in S3, listed and read in the same way."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from training.errors import FileMissing, TrainingError

S3 = "s3://"
HIDDEN = (".", "__", "lost+found")
"""First characters of names that listings skip, such as .DS_Store, __MACOSX and the lost+found of a disk."""
CONNECTIONS = 16
"""Number of objects that are read at once."""


def join(folder: str, path: str) -> str:
    """The address of `path`, relative to `folder` unless it is absolute or an S3 URI."""
    if path.startswith(S3):
        return path
    return f"{folder.rstrip('/')}/{path}" if folder.startswith(S3) else str(Path(folder, path))


def relative(address: str, folder: str) -> str:
    """`address` relative to `folder` if it is inside, else in full."""
    if not address.startswith(S3):
        address, folder = str(Path(address).absolute()), str(Path(folder).absolute())
    return address.removeprefix(f"{folder.rstrip('/')}/")


def parent(address: str) -> str:
    """The folder of the file at `address`."""
    return address.rpartition("/")[0] if address.startswith(S3) else str(Path(address).parent)


def common_folder(folders: Sequence[str]) -> str:
    """The innermost folder that holds all `folders`; the first of them if they are in several buckets.

    Raises:
        TrainingError: if some are on disk and some in S3, or one is inside another.
    """
    in_s3 = [folder.startswith(S3) for folder in folders]
    if any(in_s3) and not all(in_s3):
        raise TrainingError("Data are either all on disk or all in S3; copy them to one of the two.")
    paths = [PurePosixPath(folder.removeprefix(S3) if in_s3[0] else absolute(folder)) for folder in folders]
    for number, path in enumerate(paths):
        outer = next(
            (other for other in paths[:number] + paths[number + 1 :] if path.is_relative_to(other)), None
        )
        if outer:
            raise TrainingError(
                f"'{path}' is in '{outer}', which is data as well, so that its images would be read twice. "
                "Name only one of them."
            )
    if not in_s3[0]:
        return os.path.commonpath(paths)
    shared = takewhile(lambda level: len(set(level)) == 1, zip(*(path.parts for path in paths), strict=False))
    parts = [level[0] for level in shared]
    return S3 + "/".join(parts) if parts else folders[0]


def absolute(address: str) -> str:
    """The address of a file or folder, whatever the current folder is."""
    return address.rstrip("/") if address.startswith(S3) else str(Path(address).resolve())


class Storage:
    """Reads files by address: a path on disk or an S3 URI. Safe to share between threads."""

    def __init__(self, client: Any = None):
        """Take an S3 client; if it is None, one is created for the first S3 URI."""
        self._given_client = client

    def __getstate__(self) -> dict[str, Any]:
        """What other processes get: they make clients of their own."""
        return {"_given_client": self._given_client}

    @cached_property
    def _client(self) -> Any:
        if self._given_client:
            return self._given_client
        import boto3  # not needed for images on disk, nor are credentials
        from botocore.config import Config

        return boto3.client(
            "s3", config=Config(max_pool_connections=CONNECTIONS, retries={"mode": "standard"})
        )

    def paths(self, folder: str) -> Iterator[str]:
        """All files below `folder`, relative to it, with forward slashes; hidden files are skipped.

        Raises:
            TrainingError: if the folder does not exist or cannot be read.
        """
        found = self._keys(folder) if folder.startswith(S3) else _files(Path(folder))
        return (path for path in found if not any(part.startswith(HIDDEN) for part in path.split("/")))

    def exists(self, address: str) -> bool:
        """Whether there is a file at `address`."""
        if not address.startswith(S3):
            return Path(address).is_file()
        bucket, key = _split(address)
        with _explained(address):
            answer = self._client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        return any(entry["Key"] == key for entry in answer.get("Contents", ()))

    def read(self, address: str) -> bytes:
        """The content of one file.

        Raises:
            FileMissing: if it does not exist.
            TrainingError: if it cannot be read.
        """
        with _explained(address):
            if not address.startswith(S3):
                return Path(address).read_bytes()
            bucket, key = _split(address)
            content: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
            return content

    def lines(self, address: str, errors: Literal["strict", "surrogateescape"] = "strict") -> Iterator[str]:
        """The lines of a UTF-8 text, with their ends, one at a time.

        With `surrogateescape`, file names in the text need not be valid Unicode.

        Raises:
            TrainingError: if it does not exist, may not be read, or is not UTF-8.
        """
        with _explained(address):
            if address.startswith(S3):
                bucket, key = _split(address)
                raw = self._client.get_object(Bucket=bucket, Key=key)["Body"].iter_lines(keepends=True)
                yield from (
                    line.decode("utf-8-sig" if not n else "utf-8", errors) for n, line in enumerate(raw)
                )
            else:
                with Path(address).open(newline="", encoding="utf-8-sig", errors=errors) as file:
                    yield from file

    def _keys(self, folder: str) -> Iterator[str]:
        bucket, prefix = _split(folder.rstrip("/") + "/")
        prefix = prefix if prefix != "/" else ""
        with _explained(folder):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for entry in page.get("Contents", ()):
                    # The console creates empty objects ending in a slash as folders.
                    if not entry["Key"].endswith("/"):
                        yield entry["Key"].removeprefix(prefix)


@contextmanager
def explained_csv(address: str) -> Iterator[None]:
    """Turn errors of the CSV file at `address` into a TrainingError with one sentence."""
    try:
        yield
    except csv.Error as error:
        raise TrainingError(
            f"'{address}' is not valid CSV: {error}. Is a quotation mark missing, or one too many?"
        ) from error


def _files(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        raise TrainingError(
            f"There is no data folder '{folder}'. Name one with --data: a folder or s3://BUCKET/PREFIX that "
            "holds manifest.csv (path, class, group), one folder of images per class, or a known public "
            "data set as downloaded; or a Ground Truth output manifest."
        )

    def refuse(error: OSError) -> None:
        raise TrainingError(f"'{error.filename}' cannot be read: {error.strerror}.") from error

    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
        within = Path(place).relative_to(folder)
        yield from ((within / name).as_posix() for name in names)


def _split(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix(S3).partition("/")
    return bucket, key


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """Turn errors of disk and S3 into a TrainingError with one sentence."""
    try:
        yield
    except TrainingError:
        raise
    except UnicodeDecodeError as error:
        raise TrainingError(
            f"'{address}' is not UTF-8 text: {error.reason} at byte {error.start}."
        ) from error
    except OSError as error:
        kind = FileMissing if isinstance(error, FileNotFoundError) else TrainingError
        raise kind(f"'{address}' cannot be read: {error.strerror or error}.") from error
    except Exception as error:
        if not type(error).__module__.startswith("botocore"):
            raise
        kind = FileMissing if type(error).__name__ == "NoSuchKey" else TrainingError
        raise kind(f"'{address}' cannot be read: {error}") from error
