"""Checkpoints of a training job, copied to S3 while it runs."""

import contextlib
import time
from pathlib import Path

from local.sagemaker.errors import JobFailed
from local.sagemaker.storage import S3Location, Storage

SYNC_INTERVAL = 1.0  # seconds


class Checkpoints:
    """Copies new and changed files of a folder to `location` in S3. Does nothing without a location."""

    def __init__(self, storage: Storage, location: S3Location | None) -> None:
        self._storage = storage
        self._location = location
        self._uploaded: dict[Path, tuple[int, int]] = {}
        self._synced_at = time.monotonic()

    def restore(self, folder: Path) -> None:
        """Download the saved checkpoints into the folder; raise JobFailed if that fails."""
        if self._location:
            self._storage.download(self._storage.under(self._location), folder)
            self._uploaded = _stamps(folder)

    def sync_periodically(self, folder: Path) -> None:
        """Upload changes, at most once per `SYNC_INTERVAL`. Failed uploads are retried at the next call."""
        if self._location and time.monotonic() - self._synced_at >= SYNC_INTERVAL:
            # A file may disappear while it is read. The last call of `sync` raises what remains.
            with contextlib.suppress(JobFailed):
                self.sync(folder)
            self._synced_at = time.monotonic()

    def sync(self, folder: Path) -> None:
        """Upload new and changed files; raise JobFailed if that fails."""
        if not self._location:
            return
        for file, stamp in _stamps(folder).items():
            if self._uploaded.get(file) != stamp:
                self._storage.upload(file, self._location.below(file.relative_to(folder).as_posix()))
                self._uploaded[file] = stamp


def _stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    """Modification time in ns and size in bytes of every file."""
    found = {}
    for file in folder.rglob("*"):
        try:
            state = file.stat()
        except FileNotFoundError:
            continue
        if file.is_file():
            found[file] = (state.st_mtime_ns, state.st_size)
    return found
