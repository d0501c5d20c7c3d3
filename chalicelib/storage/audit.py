"""The audit record: who did what, and when. One small object per act, which no role may replace or delete."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypedDict

from chalicelib.settings import source
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectChanged
from chalicelib.storage.inbox import random_token
from chalicelib.storage.items import invalid_cursor
from chalicelib.timestamps import timestamp

Act = Literal[
    "upload-image",
    "classify-image",
    "try-image",
    "review-result",
    "withdraw-review",
    "export-results",
    "hide-result",
    "show-result",
    "delete-result",
    "roll-back-model",
    "upload-labelled-images",
    "import-model",
    "deploy-model",
    "start-retraining",
    "stop-retraining",
    "approve-model",
    "decline-model",
    "start-batch",
    "stop-batch",
    "continue-batch",
    "change-review-rule",
    "change-user",
]

_FOLDER = "audit/"
_NAME = re.compile(r"[0-9]{17}-[0-9a-f]{32}")
_AFTER = "~"
"""Sorts after all characters of names and keys."""
_READERS = 10
"""Entries that are read at the same time: as many as boto3 has connections."""
_MAX_LISTED = 10_000
"""Keys that a request looks through, in ten calls of S3, which takes about two seconds."""
_LAST_MICROSECOND = 10**17 - 1
"""Names count down to it, so that the newest entry is listed first."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AuditEntry(TypedDict):
    """One act."""

    at: str
    user: str
    """The user pool's id of the person; `local` without login; the part of the application that acted, such
    as `drift monitor`; or the ARN of the AWS identity that ran a command."""
    act: Act
    subject: str
    """To what it was done: the id of a result or of a user, the name of a task or a retraining, or `all`."""
    source: str
    """What wrote the entry: a Lambda, such as `api`, or `command`."""
    details: dict[str, str]
    """What else tells what was done, such as the version of a model."""


@dataclass(frozen=True)
class AuditFilter:
    """What entries are wanted. What is None does not matter."""

    user: str | None = None
    """The beginning of the user's id suffices."""
    act: Act | None = None
    subject: str | None = None
    since: str | None = None
    """The first moment, in the format of `timestamp`."""
    until: str | None = None
    """The end, exclusive."""

    def admits(self, user: str, act: str, subject: str) -> bool:
        """Whether such an entry is wanted, of any time."""
        is_of_user = self.user is None or user.startswith(self.user)
        return is_of_user and self.act in (None, act) and self.subject in (None, subject)


EVERY_ENTRY = AuditFilter()


@dataclass(frozen=True)
class Audit:
    """Writes and lists acts."""

    bucket: DataBucket

    def record(self, user: str, act: Act, subject: str, **details: str) -> None:
        """Record an act.

        Call this when nothing speaks against the act any more, and before anything is changed: so no act is
        without an entry, even if the process dies. A request that had to be repeated has an entry each time.
        Nothing that may name a patient belongs into an entry.
        """
        moment = datetime.now(UTC)
        entry = AuditEntry(
            at=timestamp(moment), user=user, act=act, subject=subject, source=source(), details=details
        )
        # All that is filtered by is in the key, so that only wanted entries are read. ARNs have slashes.
        key = f"{_FOLDER}{_countdown(moment)}-{random_token()}/{act}/{subject}/{user}.json"
        # The name is new, so an object in the way is this entry: the AWS library repeated a lost request.
        with suppress(ObjectChanged):
            self.bucket.replace_json(key, entry, None, {})

    @contextmanager
    def recording(self, user: str, act: Act, subject: str, **details: str) -> Iterator[Callable[[], None]]:
        """Record an act while the block does what precedes it. The block ends after the entry is stored.

        Yields:
            A function that waits for the entry. Call it before anything is changed.

        Raises:
            StorageFailed: if the entry could not be stored; from that function, or at the end.
        """
        with ThreadPoolExecutor(1) as thread:
            entry = thread.submit(self.record, user, act, subject, **details)
            yield entry.result
            entry.result()

    def page(
        self, limit: int, cursor: str | None, wanted: AuditFilter = EVERY_ENTRY
    ) -> tuple[list[AuditEntry], str | None]:
        """The newest of the wanted entries, and the cursor of the page after them (None at the end).

        A page may be empty and still have a cursor: a request looks through `_MAX_LISTED` entries at most.

        Raises:
            InvalidRequest: if `cursor` was not made by this method.
        """
        if cursor and not _NAME.fullmatch(cursor):
            raise invalid_cursor()
        keys, cursor = self._find(limit, cursor or "", wanted)
        with ThreadPoolExecutor(_READERS) as pool:
            read = pool.map(self._read, keys)
            entries = [one for one in read if wanted.admits(one["user"], one["act"], one["subject"])]
        return entries, cursor

    def _find(self, limit: int, cursor: str, wanted: AuditFilter) -> tuple[list[str], str | None]:
        """The keys of the wanted entries after a cursor, and the next cursor."""
        newest = max(cursor, _countdown(datetime.fromisoformat(wanted.until)) if wanted.until else "")
        oldest = _countdown(datetime.fromisoformat(wanted.since) if wanted.since else _EPOCH)
        found: list[str] = []
        name = ""
        for listed, key in enumerate(
            self.bucket.keys(_FOLDER, f"{_FOLDER}{newest}{_AFTER}" if newest else "")
        ):
            if key > f"{_FOLDER}{oldest}{_AFTER}":
                break
            if len(found) == limit or listed == _MAX_LISTED:
                return found, name
            name, *known = key.removeprefix(_FOLDER).removesuffix(".json").split("/", 3)
            # The first entries of all have nothing else in their keys.
            if not known or wanted.admits(user=known[2], act=known[0], subject=known[1]):
                found.append(key)
        return found, None

    def _read(self, key: str) -> AuditEntry:
        entry: AuditEntry = {"source": "unknown"} | json.loads(self.bucket.read(key).body)
        return entry


def _countdown(moment: datetime) -> str:
    """The beginning of the names of entries of a moment."""
    return f"{_LAST_MICROSECOND - (moment - _EPOCH) // timedelta(microseconds=1):017d}"
