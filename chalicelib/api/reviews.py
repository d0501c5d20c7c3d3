"""Reviews of classified images."""

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib import timestamps
from chalicelib.api import queries
from chalicelib.api.parameters import Query
from chalicelib.api.queries import find_task
from chalicelib.api.schemas import ReviewRequest
from chalicelib.errors import InvalidRequest
from chalicelib.fields import optional_bool, optional_str, refuse_unknown, required_str
from chalicelib.limits import MAX_NAME
from chalicelib.results import readings
from chalicelib.results.reading import Review
from chalicelib.results.result_document import Result
from chalicelib.storage.audit import Act, Audit


def read(body: Mapping[str, Any], user: str, name: str | None) -> Review:
    """The review in a JSON body. Whether the result can have it is checked when it is stored.

    Args:
        body: of the request.
        user: the reviewer's id.
        name: what colleagues know the reviewer by; None if that is unknown.

    Raises:
        InvalidRequest: if a member is malformed.
    """
    refuse_unknown(body, *ReviewRequest.__annotations__)
    label = required_str(body, "label", MAX_NAME)
    comment = optional_str(body, "comment")
    blind, adjudication = (optional_bool(body, name) for name in ("blind", "adjudication"))
    if blind and adjudication:
        raise InvalidRequest("An adjudication cannot be blind: it is a choice between known readings.")
    reading: Review = {
        "label": label,
        "comment": comment,
        "reviewed_at": timestamps.now(),
        "reviewer": user,
    }
    if name:
        reading["reviewer_name"] = name
    if blind:
        reading["blind"] = True
    if adjudication:
        reading["adjudication"] = True
    return reading


def addition(query: Query, reading: Review) -> Callable[[Result], Result]:
    """The change of a classified result that a request to review it asks for.

    It raises InvalidRequest if the label is not a class of the task, and the errors of `readings.add`.

    Raises:
        InvalidRequest: naming the parameter that is wrong.
    """
    seen, second = queries.SEEN.read(query), bool(queries.SECOND.read(query))

    def add(result: Result) -> Result:
        classes = find_task(result["task"]).class_names
        if reading["label"] not in classes:
            raise InvalidRequest(f"'label' must be one of {', '.join(classes)}.")
        return readings.add(result, reading, seen, second=second)

    return add


def recorded(
    change: Callable[[Result], Result],
    audit: Audit,
    user: str,
    act: Act,
    details: Callable[[Result, Result], dict[str, str]],
) -> Callable[[Result], Result]:
    """A change of a result, with an entry in the audit record before it is made if it changes anything.

    Args:
        change: of the result.
        audit: the record.
        user: who changes it.
        act: what the change is.
        details: of the entry, given the result before and after.
    """

    def record_and_change(result: Result) -> Result:
        changed = change(result)
        if changed is not result:
            audit.record(user, act, result["id"], task=result["task"], **details(result, changed))
        return changed

    return record_and_change


def restored(result: Result, changed: Result) -> dict[str, str]:
    """What the audit record says about the review that a withdrawal brings back; nothing if there is none."""
    review = changed["review"]
    if review is None or review == result["review"]:
        return {}
    return {"label": review["label"], "restored_reviewer": review["reviewer"]}


def withdrawal(query: Query, user: str) -> Callable[[Result], Result]:
    """The change of a result that a request to withdraw a reading asks for.

    Raises:
        InvalidRequest: naming the parameter that is wrong.
    """
    seen, earlier = queries.SEEN.read(query), queries.RESTORED.read(query)
    withdrawn = queries.WITHDRAWN.read(query)
    if withdrawn and (seen or earlier):
        raise InvalidRequest("'reading' goes neither with 'seen' nor with 'restore'.")
    if withdrawn:
        return lambda result: readings.withdraw_own(result, withdrawn, user)
    return lambda result: readings.withdraw(result, user, seen, earlier)
