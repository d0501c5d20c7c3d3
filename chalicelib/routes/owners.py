"""What the API checks before a view is called: the tasks of results and retrainings, and costly requests."""

from chalicelib import dependencies
from chalicelib.api.http import api
from chalicelib.api.owners import Owner
from chalicelib.errors import UnknownRetraining
from chalicelib.results.table import unknown_result
from chalicelib.retraining.repository import unknown_retraining


def _task_of_result(image_id: str) -> str | None:
    # Also of a place that was given up: doing so again is no error.
    entry = dependencies.table().entry(image_id)
    return entry.result["task"] if entry else None


def _task_of_retraining(name: str) -> str | None:
    try:
        return dependencies.retraining_service().task_of(name)
    except UnknownRetraining:
        return None


api.count = lambda user: dependencies.request_count().add(user)
api.owners["id"] = Owner(_task_of_result, unknown_result)
api.owners["name"] = Owner(_task_of_retraining, unknown_retraining)
