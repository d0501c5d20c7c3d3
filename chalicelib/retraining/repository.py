"""The table of retrainings and of the locks of tasks.

An item is the record of a retraining, with the name of its execution as its key, or the lock of a task.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from chalicelib.errors import UnknownRetraining
from chalicelib.limits import MAX_TEXT
from chalicelib.retraining.record import RetrainingRecord
from chalicelib.storage.items import (
    EVERYTHING,
    Key,
    from_cursor,
    from_item,
    invalid_cursor,
    to_cursor,
    to_item,
)
from chalicelib.timestamps import now

RUNNING: Final = "running"
FAILED: Final = "failed"
STOPPED: Final = "stopped"
SKIPPED: Final = "skipped"
"""The only partition of the index by time: there are few retrainings a day."""
_LOCK = "lock/"
"""Prefix of the names of locks. Names of executions cannot contain a slash."""
_HIDDEN = ("listing", "task_token")


def empty_record(name: str, execution: str, given: Mapping[str, Any]) -> RetrainingRecord:
    """The record of a retraining of which only the request is known, valid or not."""
    return {
        "name": name,
        "execution": execution,
        "task": str(given.get("task", "")),
        "status": RUNNING,
        "started_at": now(),
        "ended_at": None,
        "reason": _storable(given.get("reason", "")),
        "requested_by": _storable(given.get("requested_by", "")),
        "hyperparameters": {},
        "trials": 0,
        "data": {},
        "job": None,
        "current": None,
        "candidate": None,
        "accepted": None,
        "outcome": None,
    }


def _record(item: Mapping[str, Any]) -> RetrainingRecord:
    return cast(RetrainingRecord, from_item(item, *_HIDDEN))


def _storable(value: Any) -> str:
    """Any value of an execution's input as a short text that can be encoded in UTF-8."""
    return str(value)[:MAX_TEXT].encode(errors="replace").decode()


class RetrainingRepository:
    """Reads and writes records and locks. `resource` is a boto3 DynamoDB service resource."""

    def __init__(self, resource: Any, name: str):
        self._table = resource.Table(name)
        self._conflict = resource.meta.client.exceptions.ConditionalCheckFailedException

    def create(self, record: RetrainingRecord) -> None:
        """Store a new record. Its `name`, `task` and `started_at` must be set."""
        self._table.put_item(Item=to_item(record) | {"listing": EVERYTHING})

    def update(self, name: str, **values: Any) -> None:
        """Set attributes of a record.

        Raises:
            UnknownRetraining: if there is no such retraining. A part of a record creates none.
        """
        if not self._update(name, values, "attribute_exists(listing)"):
            raise unknown_retraining()

    def stop(self, name: str, user: str, outcome: str) -> None:
        """Record that a person has stopped a retraining, unless it has ended in the meantime."""
        end = {"status": STOPPED, "ended_at": now(), "outcome": outcome, "stopped_by": user}
        nothing_awaited = {"waiting_for": None, "task_token": ""}
        self._update(name, {**end, **nothing_awaited}, "#status = :running", {":running": RUNNING})

    def _update(
        self, name: str, values: Mapping[str, Any], condition: str, given: Mapping[str, Any] | None = None
    ) -> bool:
        """Set attributes of a record if a condition on it holds; `given` are the condition's own values."""
        new = {f":{key}": value for key, value in values.items()}
        try:
            self._table.update_item(
                Key={"name": name},
                UpdateExpression="SET " + ", ".join(f"#{key} = :{key}" for key in values),
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{key}": key for key in values},
                ExpressionAttributeValues=to_item({**new, **(given or {})}),
            )
        except self._conflict:
            return False
        return True

    def get(self, name: str) -> RetrainingRecord:
        """The record of a retraining.

        Raises:
            UnknownRetraining: if there is no such retraining.
        """
        item = self._find(name)
        if item is None:
            raise unknown_retraining()
        return _record(item)

    def page(
        self, limit: int, cursor: str | None, tasks: Sequence[str] | None = None
    ) -> tuple[list[RetrainingRecord], str | None]:
        """The newest retrainings, and the cursor of the page after them (None at the end).

        Args:
            limit: the largest number of retrainings to read.
            cursor: of the page.
            tasks: the tasks wanted, of which a page may hold fewer than `limit`; None for all.

        Raises:
            InvalidRequest: if `cursor` was not made by this method.
        """
        page = self._table.query(
            IndexName="by-time",
            KeyConditionExpression="listing = :all",
            ExpressionAttributeValues={":all": EVERYTHING},
            ScanIndexForward=False,
            Limit=limit,
            **({"ExclusiveStartKey": _start(cursor)} if cursor else {}),
        )
        last = page.get("LastEvaluatedKey")
        records = [_record(item) for item in page["Items"]]
        wanted = [record for record in records if tasks is None or record["task"] in tasks]
        return wanted, to_cursor(last) if last else None

    def token(self, name: str) -> str | None:
        """The task token of a retraining that waits for an approval; None if it does not wait."""
        item = self._find(name)
        return str(item["task_token"]) if item and item.get("task_token") else None

    # ------------------------------------------------------------------------------------------- locks

    def lock(self, task: str, execution: str) -> str | None:
        """Lock a task for an execution (ARN); returns the execution that holds the lock if it is another.

        An execution that was stopped still holds its lock; see `TaskLock`.
        """
        while True:
            try:
                self._table.put_item(
                    Item={"name": f"{_LOCK}{task}", "execution": execution},
                    ConditionExpression="attribute_not_exists(#name) OR execution = :own",
                    ExpressionAttributeNames={"#name": "name"},
                    ExpressionAttributeValues={":own": execution},
                )
                return None
            except self._conflict:
                holder = self.holder(task)
            if holder is not None:
                return holder
            # It was released in between.

    def holder(self, task: str) -> str | None:
        """The execution (ARN) that holds the lock of a task; None if it is not locked."""
        item = self._find(f"{_LOCK}{task}")
        return str(item["execution"]) if item else None

    def release(self, task: str, execution: str) -> None:
        """Unlock a task, if this execution (ARN) holds the lock."""
        try:
            self._table.delete_item(
                Key={"name": f"{_LOCK}{task}"},
                ConditionExpression="execution = :own",
                ExpressionAttributeValues={":own": execution},
            )
        except self._conflict:
            return

    def _find(self, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] = self._table.get_item(Key={"name": name}, ConsistentRead=True)
        return found.get("Item")


def unknown_retraining() -> UnknownRetraining:
    """The error for a name without a retraining."""
    return UnknownRetraining("There is no retraining with this name. GET /api/retrainings lists them.")


def _start(cursor: str) -> Key:
    """The key after which the page of a cursor starts."""
    key = from_cursor(cursor)
    if key.keys() == {"name", "listing", "started_at"} and key["listing"] == EVERYTHING:
        return key
    raise invalid_cursor()
