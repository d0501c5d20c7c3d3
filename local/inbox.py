"""A local folder as a drop folder, for users without the AWS command line."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

SENT = ".sent"


class Inbox:
    """Uploads files in `folder`/TASK/ to inbox/TASK/ of the bucket, then moves them to `folder`/.sent/TASK/.

    `upload(file, key)` uploads a file, and `say` reports files that cannot be read. Call `poll` about once a
    second.
    """

    def __init__(
        self, folder: Path, tasks: list[str], upload: Callable[[Path, str], Any], say: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._upload = upload
        self._say = say
        self._sizes: dict[Path, int] = {}
        self._refused: set[Path] = set()
        for task in tasks:
            (folder / task).mkdir(parents=True, exist_ok=True)

    def poll(self) -> None:
        """Upload every file whose size has not changed since the last call, as it is complete."""
        sizes = dict(self._files())
        complete = [file for file, size in sizes.items() if self._sizes.get(file) == size]
        for file in complete:
            self._send(file)
            del sizes[file]
        self._sizes = sizes

    def _files(self) -> Iterator[tuple[Path, int]]:
        for file in sorted(self._folder.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(self._folder).parts)
            if not hidden and file not in self._refused and file.is_file():
                with suppress(FileNotFoundError):  # renamed or deleted meanwhile
                    yield file, file.stat().st_size

    def _send(self, file: Path) -> None:
        name = file.relative_to(self._folder)
        try:
            self._upload(file, f"inbox/{name.as_posix()}")
            self._put_away(file, name)
        except (OSError, ValueError, Boto3Error, BotoCoreError, ClientError) as error:
            self._refused.add(file)
            reason = getattr(error, "strerror", None) or type(error).__name__
            # A file name may be invalid text, hence its representation.
            self._say(f"{str(file)!a} cannot be uploaded and stays until the next start: {reason}.")

    def _put_away(self, file: Path, name: Path) -> None:
        target = self._folder / SENT / name
        if target.exists():
            target = target.with_name(f"{target.stem}-{time.time_ns()}{target.suffix}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, target)
