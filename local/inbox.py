"""A folder on this machine as a drop folder, for people without the AWS command line."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SENT = ".sent"


class Inbox:
    """Files in `folder`/TASK/ are uploaded to inbox/TASK/ of the bucket, then moved to `folder`/.sent/TASK/.

    `upload(file, key)` does the upload, `say` is told of files that cannot be read. Call `poll` about once a
    second.
    """

    def __init__(
        self, folder: Path, tasks: list[str], upload: Callable[[Path, str], Any], say: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._upload = upload
        self._say = say
        self._sizes: dict[Path, int] = {}
        for task in tasks:
            (folder / task).mkdir(parents=True, exist_ok=True)

    def poll(self) -> None:
        """Send every file whose size has not changed since the last call: it is complete."""
        sizes = {file: file.stat().st_size for file in self._files()}
        complete = [file for file, size in sizes.items() if self._sizes.get(file) == size]
        for file in complete:
            self._send(file)
            del sizes[file]
        self._sizes = sizes

    def _files(self) -> Iterator[Path]:
        for file in sorted(self._folder.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(self._folder).parts)
            if file.is_file() and not hidden:
                yield file

    def _send(self, file: Path) -> None:
        name = file.relative_to(self._folder)
        try:
            self._upload(file, f"inbox/{name.as_posix()}")
        except OSError as error:
            self._say(f"{file} cannot be read and stays where it is: {error.strerror}.")
            return
        target = self._folder / SENT / name
        if target.exists():
            target = target.with_name(f"{target.stem}-{time.time_ns()}{target.suffix}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, target)
