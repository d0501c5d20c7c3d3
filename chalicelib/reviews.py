"""What people say of classified images."""

from collections.abc import Mapping
from typing import Any

from chalicelib import results
from chalicelib.errors import InvalidRequest
from chalicelib.http import find_task, text
from chalicelib.results import Result

Review = dict[str, str | None]


def read(body: Mapping[str, Any], result: Result, user: str) -> Review:
    """The review that a request asks to write down; whether `result` can have one, the table says.

    Raises:
        InvalidRequest: if it names none of the task's classes.
    """
    label = text(body, "label")
    classes = find_task(result["task"]).class_names if result["status"] == results.CLASSIFIED else (label,)
    if label not in classes:
        raise InvalidRequest(f"'label' must be one of {', '.join(classes)}.")
    comment = text(body, "comment") if body.get("comment") else None
    return {"label": label, "comment": comment, "reviewed_at": results.now(), "reviewer": user}
