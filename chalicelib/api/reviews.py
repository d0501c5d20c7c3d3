"""What people say of classified images."""

from collections.abc import Mapping
from typing import Any

from chalicelib import timestamps
from chalicelib.api.http import find_task
from chalicelib.errors import InvalidRequest
from chalicelib.fields import optional_str, refuse_unknown, text
from chalicelib.limits import MAX_NAME
from chalicelib.results import result_document
from chalicelib.results.result_document import Result, Review


def read(body: Mapping[str, Any], result: Result, user: str) -> Review:
    """The review that a request asks to write down; whether `result` can have one, the table says.

    Raises:
        InvalidRequest: if it names none of the task's classes.
    """
    refuse_unknown(body, "label", "comment")
    label = text(body, "label", MAX_NAME)
    classes = (
        find_task(result["task"]).class_names if result["status"] == result_document.CLASSIFIED else (label,)
    )
    if label not in classes:
        raise InvalidRequest(f"'label' must be one of {', '.join(classes)}.")
    comment = optional_str(body, "comment")
    return {"label": label, "comment": comment, "reviewed_at": timestamps.now(), "reviewer": user}
