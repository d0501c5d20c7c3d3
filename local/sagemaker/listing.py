"""List operations: filters, order and pages."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from local.sagemaker import api_model
from local.sagemaker.errors import invalid
from local.sagemaker.resources import Record

PAGE_SIZE = 10  # unless the request sets MaxResults

Key = Callable[[Record], Any]


def page(
    operation: str, request: Mapping[str, Any], records: Iterable[Record], key: Key, descending: bool
) -> Record:
    """Answer a List operation with one page of the records, sorted by `key`.

    Raises:
        SageMakerError: if the NextToken is invalid.
    """
    order = request.get("SortOrder", "Descending" if descending else "Ascending")
    found = sorted(records, key=key, reverse=order == "Descending")
    start = _read(request["NextToken"]) if "NextToken" in request else 0
    end = start + request.get("MaxResults", PAGE_SIZE)
    shape = api_model.model().operation_model(operation).output_shape
    member = next(name for name in shape.members if name != "NextToken")
    summary = shape.members[member].member
    answer: Record = {member: [api_model.of_shape(summary, record) for record in found[start:end]]}
    return {**answer, "NextToken": _write(end)} if end < len(found) else answer


def matches(request: Mapping[str, Any], record: Record, name: str, status: str) -> bool:
    """Whether a record passes the filters of a request; `name` and `status` are members of the record."""
    moments = {
        "CreationTimeAfter": record["CreationTime"],
        "LastModifiedTimeAfter": record["LastModifiedTime"],
    }
    conditions = (
        request.get("NameContains", "").lower() in record[name].lower(),
        "StatusEquals" not in request or record[status] == request["StatusEquals"],
        *(moment > _seconds(request[after]) for after, moment in moments.items() if after in request),
        *(
            moment < _seconds(request[before])
            for after, moment in moments.items()
            if (before := after.replace("After", "Before")) in request
        ),
    )
    return all(conditions)


def sort_key(request: Mapping[str, Any], name: str, status: str) -> Key:
    """The sort key for the SortBy of a request."""
    member = {"Name": name, "Status": status}.get(request.get("SortBy", ""), "CreationTime")
    return lambda record: record.get(member, "")


def _seconds(moment: float | str) -> float:
    return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) else moment


def _write(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode()


def _read(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, binascii.Error):
        raise invalid("The NextToken is not valid.") from None
