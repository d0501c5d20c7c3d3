"""What is known of every retraining, and which task is being retrained: one table.

An item is a retraining, by the name of its execution, or the lock of a task.
"""

import base64
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from chalicelib.errors import InvalidRequest, UnknownRetraining

Entry = dict[str, Any]

RUNNING = "running"
_EVERYTHING = "all"
"""The one partition of the index by time; retrainings come by the day, not by the second."""
_LOCK = "lock/"
"""How the names of locks begin. No execution's name may hold a slash."""
_HIDDEN = ("listing", "task_token")


def empty_entry(name: str, execution: str, given: Mapping[str, Any]) -> Entry:
    """A retraining of which nothing is known but what it was started with."""
    return {
        "name": name,
        "execution": execution,
        "task": str(given.get("task", "")),
        "status": RUNNING,
        "started_at": None,
        "ended_at": None,
        "reason": str(given.get("reason", "")),
        "requested_by": str(given.get("requested_by", "")),
        "hyperparameters": {},
        "trials": 0,
        "data": {},
        "job": None,
        "current": None,
        "candidate": None,
        "accepted": None,
        "outcome": None,
    }


class Journal:
    """Reads and writes retrainings. `resource` is a boto3 DynamoDB service resource."""

    def __init__(self, resource: Any, name: str):
        self._table = resource.Table(name)
        self._conflict = resource.meta.client.exceptions.ConditionalCheckFailedException

    def begin(self, entry: Entry) -> None:
        """Note a retraining; its `name`, `task` and `started_at` must be there."""
        self._table.put_item(Item=_item(entry) | {"listing": _EVERYTHING})

    def note(self, name: str, **values: Any) -> None:
        """Add to what is known of a retraining."""
        names = {f"#{key}": key for key in values}
        self._table.update_item(
            Key={"name": name},
            UpdateExpression="SET " + ", ".join(f"#{key} = :{key}" for key in values),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=_item({f":{key}": value for key, value in values.items()}),
        )

    def get(self, name: str) -> Entry:
        """One retraining.

        Raises:
            UnknownRetraining: if there is none of that name.
        """
        item = self._find(name)
        if item is None:
            raise UnknownRetraining("There is no retraining of that name. GET /api/retrainings lists them.")
        return _entry(item)

    def page(self, limit: int, cursor: str | None) -> tuple[list[Entry], str | None]:
        """The newest retrainings, and the cursor of the page after them (None at the end).

        Raises:
            InvalidRequest: if `cursor` was not made by this method.
        """
        page = self._table.query(
            IndexName="by-time",
            KeyConditionExpression="listing = :all",
            ExpressionAttributeValues={":all": _EVERYTHING},
            ScanIndexForward=False,
            Limit=limit,
            **({"ExclusiveStartKey": _decode(cursor)} if cursor else {}),
        )
        last = page.get("LastEvaluatedKey")
        return [_entry(item) for item in page["Items"]], _encode(last) if last else None

    def token(self, name: str) -> str | None:
        """The token of the task of a retraining that waits for a person; None if none does."""
        item = self._find(name)
        return str(item["task_token"]) if item and item.get("task_token") else None

    # ------------------------------------------------------------------------------------------- locks

    def lock(self, task: str, execution: str, is_running: Callable[[str], bool]) -> str | None:
        """Take a task's lock for an execution (ARN); returns the execution that holds it if that is another.

        A lock whose holder does not run any more is taken over: whoever is stopped cannot give it back.
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
            if holder is None:
                continue  # it was given back in between
            if is_running(holder):
                return holder
            self.release(task, holder)

    def holder(self, task: str) -> str | None:
        """The execution (ARN) that retrains a task."""
        item = self._find(f"{_LOCK}{task}")
        return str(item["execution"]) if item else None

    def release(self, task: str, execution: str) -> None:
        """Give a task's lock back, if it is this execution's."""
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


def _encode(key: Mapping[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(dict(key)).encode()).decode()


def _decode(cursor: str) -> dict[str, str]:
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor))
        if key.keys() == {"name", "listing", "started_at"} and key["listing"] == _EVERYTHING:
            return {name: str(value) for name, value in key.items()}
    except (ValueError, LookupError, AttributeError):
        pass
    raise InvalidRequest("'cursor' is not one that this list gave out. Start again without it.")


def _item(values: Mapping[str, Any]) -> dict[str, Any]:
    # DynamoDB knows decimals only; going through JSON turns every float into one.
    item: dict[str, Any] = json.loads(json.dumps(values), parse_float=Decimal)
    return item


def _entry(item: Mapping[str, Any]) -> Entry:
    kept = {key: value for key, value in item.items() if key not in _HIDDEN}
    entry: Entry = json.loads(json.dumps(kept, default=_number))
    return entry


def _number(value: object) -> float | int:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} in a retraining")
