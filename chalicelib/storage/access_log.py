"""The access log, into which API Gateway writes every request to the API, with its user."""

import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

from chalicelib.storage.items import invalid_cursor
from chalicelib.timestamps import timestamp

SEARCHED = re.compile(r"[A-Za-z0-9._/-]+")
"""What can be searched for: ids, paths, and parts of them."""
_MAX_SECONDS = 8.0
"""Time to begin reading. CloudWatch may search long stretches of a log without finding anything."""
_BETWEEN = "~"
"""Between the parts of a cursor: the period, and CloudWatch's token, which may be long."""
_PATH = ', "path": "'
"""How the last member of an entry begins."""
_EPOCH = datetime.fromtimestamp(0, UTC)
_NONE = "-"
"""What API Gateway writes for a value that there is not."""


class AccessEntry(TypedDict):
    """One request to the API."""

    at: str
    user: str | None
    """The user pool's id of the caller; null without a valid token."""
    method: str
    path: str
    status: int
    refused: str | None
    """Why API Gateway refused the request without asking the application, in its own words, such as
    UNAUTHORIZED; null if it did not."""


@dataclass(frozen=True)
class AccessLog:
    """Reads the log. `client` is a boto3 `logs` client."""

    client: Any
    group: str

    def page(
        self, since: str, until: str, search: str | None, limit: int, cursor: str | None
    ) -> tuple[list[AccessEntry], str | None]:
        """Requests of a period, the oldest first, and the cursor of the page after them (None at the end).

        A page may be empty and still have a cursor.

        Args:
            since: the first moment, in the format of `timestamp`.
            until: the end, exclusive.
            search: a text in the entry that matches `SEARCHED`; None for all.
            limit: the largest number of requests.
            cursor: of the page, which continues the period of the first; None for the first.

        Raises:
            InvalidRequest: if `cursor` was not made by this method.
        """
        token = None
        if cursor:
            since, until, token = _resume(cursor)
        first, last = _milliseconds(since), _milliseconds(until) - 1
        if last < first:
            return [], None
        wanted = {
            "logGroupName": self.group,
            "startTime": first,
            "endTime": last,
            "limit": limit,
            **({"filterPattern": f'"{search}"'} if search else {}),
        }
        deadline = time.monotonic() + _MAX_SECONDS
        while True:
            try:
                page = self.client.filter_log_events(**wanted, **({"nextToken": token} if token else {}))
            except self.client.exceptions.InvalidParameterException:
                raise invalid_cursor() from None
            except self.client.exceptions.ResourceNotFoundException:
                return [], None  # the stage was deployed by an earlier version, or without API Gateway
            token = page.get("nextToken")
            if page["events"] or token is None or time.monotonic() > deadline:
                entries = [_entry(event["message"]) for event in page["events"]]
                return entries, _BETWEEN.join((since, until, token)) if token else None


def _resume(cursor: str) -> tuple[str, str, str]:
    """The period of a list, and CloudWatch's token for the next page, in a cursor.

    Raises:
        InvalidRequest: if it is no cursor of this list.
    """
    since, _, rest = cursor.partition(_BETWEEN)
    until, _, token = rest.partition(_BETWEEN)
    try:
        if token and 0 <= _milliseconds(since) < _milliseconds(until):
            return since, until, token
    except (ValueError, TypeError, OverflowError):
        pass
    raise invalid_cursor()


def _entry(message: str) -> AccessEntry:
    """The entry that API Gateway has written. It escapes nothing, so a caller's path may end the JSON."""
    try:
        # Of repeated members the first counts: the later ones may come from the path.
        logged = json.loads(message, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    except ValueError:
        known, _, path = message.partition(_PATH)
        logged = json.loads(f"{known}}}") | {"path": path}
    return {
        "at": timestamp(datetime.fromtimestamp(int(logged["at"]) / 1000, UTC)),
        "user": _known(logged["user"]),
        "method": logged["method"],
        "path": logged["path"],
        "status": int(logged["status"]),
        "refused": _known(logged["refused"]),
    }


def _known(value: str) -> str | None:
    return None if value == _NONE else value


def _milliseconds(moment: str) -> int:
    """The first whole millisecond since 1970 that is not before a moment; the log has no fractions."""
    return -((_EPOCH - datetime.fromisoformat(moment)) // timedelta(milliseconds=1))
