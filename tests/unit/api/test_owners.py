"""Users of single tasks, and what belongs to other tasks."""

from typing import Any, TypedDict

import pytest

from chalicelib.api import queries
from chalicelib.api.owners import Owner, check_task
from chalicelib.api.route import Route
from chalicelib.errors import NotAllowed, UnknownResult

OWNERS = {"id": Owner({"1": "chest-xray", "2": "retinal-oct"}.get, lambda: UnknownResult("There is none."))}
SELECTED = (queries.SELECTION[0],)


class Body(TypedDict):
    """A body that names a task."""

    task: str


def may(path: str, given: dict[str, Any], *groups: str, **declared: Any) -> None:
    check_task(Route(dict, "GET", path, **declared), groups, OWNERS, given)


@pytest.mark.parametrize("name", ["2", "3"])
def test_things_of_other_tasks_are_as_unknown_as_those_that_do_not_exist(name: str) -> None:
    with pytest.raises(UnknownResult, match=r"^There is none\.$"):
        may("/results/{id}", {"id": name}, "reader:chest-xray")


def test_readers_of_a_task_may_not_review_it() -> None:
    may("/results/{id}", {"id": "1"}, "reader:chest-xray", group="reader")
    with pytest.raises(NotAllowed, match="'reviewer:chest-xray'"):
        may("/results/{id}", {"id": "1"}, "reader:chest-xray", group="reviewer")
    # The group of one task says nothing about another.
    with pytest.raises(NotAllowed):
        may("/results/{id}", {"id": "1"}, "reader:chest-xray", "reviewer:retinal-oct", group="reviewer")


@pytest.mark.parametrize(
    ("path", "declared"),
    [("/tasks/{task}", {}), ("/results", {"query": SELECTED}), ("/uploads", {"body": Body})],
)
def test_task_that_a_request_names_is_checked(path: str, declared: dict[str, Any]) -> None:
    may(path, {"task": "chest-xray"}, "reader:chest-xray", **declared)
    with pytest.raises(NotAllowed, match="'reader:retinal-oct'"):
        may(path, {"task": "retinal-oct"}, "reader:chest-xray", **declared)


def test_requests_that_name_no_task_are_left_to_the_view() -> None:
    may("/results", {}, "reader:chest-xray", query=SELECTED)
    may("/retrainings", {"task": "retinal-oct"}, "reader:chest-xray")
