"""Limits how many costly requests a user may make. API Gateway cannot tell users apart: all share one key."""

import time
from collections.abc import Callable
from typing import Any

from chalicelib.errors import TooManyRequests

LIMIT = 60
"""Costly requests of one user in a period. Each reads the table for up to 20 s."""
PERIOD_SECONDS = 600
_ITEM = "requests/"
"""Prefix of the items' names. Names of executions, which the table also holds, cannot contain a slash."""


class RequestCount:
    """Counts in one item per user. `table` is a boto3 DynamoDB table whose key is `name`."""

    def __init__(self, table: Any, clock: Callable[[], float] = time.time):
        self._table = table
        self._clock = clock
        self._conflict = table.meta.client.exceptions.ConditionalCheckFailedException

    def add(self, user: str) -> None:
        """Count a request.

        Raises:
            TooManyRequests: if the user has made too many in this period.
        """
        period = int(self._clock()) // PERIOD_SECONDS
        # The period that is stored is later if another Lambda's clock is ahead.
        count = ("ADD made :one", "period >= :period AND made < :limit", {":limit": LIMIT})
        is_earlier = "attribute_not_exists(period) OR period < :period"
        begin: tuple[str, str, dict[str, int]] = ("SET period = :period, made = :one", is_earlier, {})
        # Between the first two, another request may begin the period, or this one if its answer was lost.
        if any(self._update(user, period, *change) for change in (count, begin, count)):
            return
        minutes = PERIOD_SECONDS // 60
        raise TooManyRequests(
            f"You have asked for {LIMIT} exports or statistics within {minutes} minutes, the most that is "
            "possible. Wait some minutes and try again."
        )

    def _update(self, user: str, period: int, change: str, condition: str, more: dict[str, int]) -> bool:
        try:
            self._table.update_item(
                Key={"name": f"{_ITEM}{user}"},
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues={":period": period, ":one": 1, **more},
            )
        except self._conflict:
            return False
        return True
