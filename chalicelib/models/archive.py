"""model.tar.gz: a model package in one file."""

import gzip
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.errors import InvalidModelPackage

if TYPE_CHECKING:  # bundled models are in no archive
    import tarfile

ARCHIVE = "model.tar.gz"
MAX_BYTES = 100_000_000
"""Limit of an unpacked file; those of this application have a tenth of it."""

RUN = ("model.onnx", "model.json")
"""The files needed to run a model."""

MAX_UNPACKED = 300_000_000
"""Limit of a whole archive, with everything that is not used: gzip can blow up a few bytes to gigabytes."""

_PACKAGE = (*RUN, "card.md", "plots/*.svg")
_COMPRESSION = 6
"""The default of gzip: weights hardly shrink, and level 9 takes three times as long."""


def package_files(folder: Path) -> dict[str, bytes]:
    """The files of the package in a folder, by path within the package."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for pattern in _PACKAGE
        for path in folder.glob(pattern)
    }


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive of `files`, by path. The same files give the same bytes."""
    import tarfile

    packed = BytesIO()
    with (
        gzip.GzipFile(
            filename="", mode="wb", compresslevel=_COMPRESSION, fileobj=packed, mtime=0
        ) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, BytesIO(content))
    return packed.getvalue()


def unpack(archive: bytes, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The regular files of an archive whose names are `wanted`, without those larger than `MAX_BYTES`.

    Raises:
        InvalidModelPackage: if it is damaged.
    """
    import tarfile

    try:
        # Reading to the end verifies checksum and length.
        tar_file = gzip.GzipFile(fileobj=BytesIO(archive)).read(MAX_UNPACKED + 1)
        if len(tar_file) > MAX_UNPACKED:
            raise InvalidModelPackage(f"{ARCHIVE} is larger than {MAX_UNPACKED:,} bytes when it is unpacked.")
        with tarfile.open(fileobj=BytesIO(tar_file), mode="r:") as tar:
            return {
                name: content.read()
                for entry in tar
                if entry.isfile()
                and wanted(name := entry.name.removeprefix("./"))
                and entry.size <= MAX_BYTES
                and (content := tar.extractfile(entry))
            }
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise InvalidModelPackage(f"{ARCHIVE} cannot be unpacked: {error}.") from error


def verify_end(archive: "tarfile.TarFile") -> None:
    """Read the rest of an archive after its entries, where gzip has its checksum and length.

    Raises:
        OSError, EOFError, zlib.error: if it is damaged or cut off.
    """
    assert archive.fileobj
    while archive.fileobj.read(1 << 20):
        pass


def is_package_file(name: str) -> bool:
    """Whether a file belongs to a package; archives of retrainings also have the code that serves them."""
    return name in RUN or is_shown(name)


def is_shown(name: str) -> bool:
    """Whether a file of a package is shown to people: facts, card and plots."""
    folder, _, file = name.rpartition("/")
    return name in ("model.json", "card.md") or (folder == "plots" and file.endswith(".svg"))


def content_type(name: str) -> str:
    """The content type of a file that is shown to people."""
    suffix = name.rpartition(".")[2]
    return {"json": "application/json", "md": "text/markdown; charset=utf-8", "svg": "image/svg+xml"}[suffix]
