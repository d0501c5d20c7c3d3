"""Reviews of classified images."""

from collections.abc import Mapping
from typing import Any

from chalicelib import timestamps
from chalicelib.api.queries import find_task
from chalicelib.api.schemas import ReviewRequest
from chalicelib.errors import InvalidRequest
from chalicelib.fields import optional_str, refuse_unknown, required_str
from chalicelib.limits import MAX_NAME
from chalicelib.results import result_document
from chalicelib.results.result_document import Result, Review


def read(body: Mapping[str, Any], result: Result, user: str) -> Review:
    """The review in a JSON body. Whether `result` can have one is checked when it is stored.

    Raises:
        InvalidRequest: if the label is not a class of the task.
    """
    refuse_unknown(body, *ReviewRequest.__annotations__)
    label = required_str(body, "label", MAX_NAME)
    if result["status"] == result_document.CLASSIFIED:
        classes = find_task(result["task"]).class_names
        if label not in classes:
            raise InvalidRequest(f"'label' must be one of {', '.join(classes)}.")
    comment = optional_str(body, "comment")
    return {"label": label, "comment": comment, "reviewed_at": timestamps.now(), "reviewer": user}
