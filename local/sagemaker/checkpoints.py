"""The folder of checkpoints, the same on this machine and in S3."""

import contextlib
import time
from pathlib import Path

from local.sagemaker.errors import JobFailed
from local.sagemaker.storage import S3Location, Storage

SECONDS = 1.0  # between two looks at the folder


class Checkpoints:
    """Keeps `location` in S3 as `folder` is; without a location, nothing is kept."""

    def __init__(self, storage: Storage, location: S3Location | None) -> None:
        self._storage = storage
        self._location = location
        self._seen: dict[Path, tuple[int, int]] = {}
        self._looked = time.monotonic()

    def restore(self, folder: Path) -> None:
        """Bring what was kept into the folder; raise JobFailed if that fails."""
        if self._location:
            self._storage.download(self._storage.under(self._location), folder)
            self._seen = _stamps(folder)

    def keep_now_and_then(self, folder: Path) -> None:
        """Keep what is new, unless it was looked for just now; what fails is tried again later."""
        if self._location and time.monotonic() - self._looked >= SECONDS:
            # A file may go away while it is read; at the end nothing changes any more.
            with contextlib.suppress(JobFailed):
                self.keep(folder)
            self._looked = time.monotonic()

    def keep(self, folder: Path) -> None:
        """Keep what is new; raise JobFailed if that fails."""
        if not self._location:
            return
        for file, stamp in _stamps(folder).items():
            if self._seen.get(file) != stamp:
                self._storage.upload(file, self._location.below(file.relative_to(folder).as_posix()))
                self._seen[file] = stamp


def _stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    """Every file and what tells that it changed."""
    found = {}
    for file in folder.rglob("*"):
        try:
            state = file.stat()
        except FileNotFoundError:
            continue
        if file.is_file():
            found[file] = (state.st_mtime_ns, state.st_size)
    return found
