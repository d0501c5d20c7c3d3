"""Keeps users whose groups count for some tasks only from everything that belongs to other tasks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.api import auth
from chalicelib.api.route import Route
from chalicelib.errors import NegatoscopeError


@dataclass(frozen=True)
class Owner:
    """How to find the task to which something that a path names belongs."""

    find: Callable[[str], str | None]
    """The task of the thing with this name; None if there is none."""
    unknown: Callable[[], NegatoscopeError]
    """The error if there is none. Things of other tasks get the same: nobody learns that they exist."""


def check_task(
    route: Route, groups: Sequence[str], owners: Mapping[str, Owner], given: Mapping[str, Any]
) -> None:
    """Make sure that a user may call a route for the task that the request concerns.

    Other requests concern all tasks that the user may see, and their views must leave out the rest.

    Args:
        route: with a group, which counts for the user in some tasks only.
        groups: of the user.
        owners: by the names of path parameters.
        given: the parameters of the request, and the members of its body if that names a task.

    Raises:
        NotAllowed: if the user may not do this with the task.
        NegatoscopeError: the owner's, if the user may not even see the task.
    """
    assert route.group
    for name, owner in owners.items():
        if f"{{{name}}}" in route.path:
            task = owner.find(given[name])
            if task is None or not auth.has_role(groups, "reader", task):
                raise owner.unknown()
            auth.check_task(groups, route.group, task)
    if route.names_task and given.get("task") is not None:
        auth.check_task(groups, route.group, str(given["task"]))
