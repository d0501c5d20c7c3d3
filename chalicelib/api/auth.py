"""The signed-in user and their permissions, from the claims that API Gateway's authorizer passes on."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from chalice.app import Request

from chalicelib.errors import NotAllowed
from chalicelib.storage.user_names import name_in

Group = Literal["reader", "reviewer", "admin"]
"""Groups of the stage's user pool (deploy/foundation.yaml), from the fewest to the most permissions.

Members of a group may also do what the groups before it may. Readers see results and models, reviewers send
images and review, admins decide which model classifies. Members of `reader:TASK` and `reviewer:TASK` may do
the same with one task only."""

GROUPS: tuple[Group, ...] = get_args(Group)
OF_TASKS: tuple[Group, ...] = ("reader", "reviewer")
"""The groups that there are for single tasks, too."""

_HELP = "Ask an administrator of this installation to add you"


def user(request: Request) -> str:
    """The user pool's id of the signed-in user, which is no name; `local` where there is no login."""
    return str(_claims(request).get("sub", "local"))


def name(request: Request) -> str | None:
    """What colleagues know the signed-in user by: the e-mail address up to the @; None without one.

    It is stored with readings, and never logged.
    """
    return name_in(str(_claims(request).get("email", "")))


def groups(request: Request) -> list[str]:
    """The groups of the user pool that the user belongs to.

    The token holds a list. API Gateway turns it into text: `a,b`, or `[a b]` in some kinds of API.
    """
    claim = _claims(request).get("cognito:groups") or []
    return re.findall(r"[^\s,\[\]]+", claim) if isinstance(claim, str) else [str(name) for name in claim]


def role(groups: Sequence[str], task: str | None = None) -> Group | None:
    """The group with the most permissions among `groups`; None if none has any.

    Args:
        groups: of the user.
        task: for which the group counts; None for groups that count for every task.
    """
    of_task = {f"{group}:{task}": group for group in OF_TASKS} if task else {}
    own = [of_task.get(name, name) for name in groups]
    return max((group for group in GROUPS if group in own), key=GROUPS.index, default=None)


def strongest_role(groups: Sequence[str]) -> Group | None:
    """The group with the most permissions, whether it counts for every task or for some."""
    roles = (role(groups, task) for task in (None, *_named_tasks(groups)))
    return max((found for found in roles if found), key=GROUPS.index, default=None)


def tasks(groups: Sequence[str]) -> tuple[str, ...] | None:
    """Names of the tasks that the user may see, which need not exist; None for all tasks."""
    return None if role(groups) else _named_tasks(groups)


def has_role(groups: Sequence[str], least: Group, task: str | None = None) -> bool:
    """Whether a member of `groups` may do what `least` may do, with a task or, if it is None, with all."""
    own = role(groups, task)
    return own is not None and GROUPS.index(own) >= GROUPS.index(least)


def check(groups: Sequence[str], least: Group) -> None:
    """Make sure that a member of `groups` may do what `least` may do, at least with one task.

    Raises:
        NotAllowed: saying whom to ask.
    """
    own = strongest_role(groups)
    if own is None:
        raise NotAllowed(f"You are signed in, but in none of the groups {_listed(GROUPS, 'and')}. {_HELP}.")
    allowed = GROUPS[GROUPS.index(least) :]
    if own not in allowed:
        raise NotAllowed(f"Only members of the group {_listed(allowed, 'or')} may do this. {_HELP}.")


def check_task(groups: Sequence[str], least: Group, task: str) -> None:
    """Make sure that a member of `groups` may do what `least` may do with a task.

    Raises:
        NotAllowed: saying whom to ask.
    """
    if not has_role(groups, least, task):
        allowed = GROUPS[GROUPS.index(least) :]
        names = [name for group in allowed for name in (group, f"{group}:{task}") if _exists(name)]
        raise NotAllowed(f"Only members of the group {_listed(names, 'or')} may do this. {_HELP}.")


def _exists(name: str) -> bool:
    group, _, task = name.partition(":")
    return not task or group in OF_TASKS


def _named_tasks(groups: Sequence[str]) -> tuple[str, ...]:
    parts = (name.partition(":") for name in groups)
    return tuple(sorted({task for group, _, task in parts if task and group in OF_TASKS}))


def _listed(names: Sequence[str], word: str) -> str:
    *others, last = (f"'{name}'" for name in names)
    return f"{', '.join(others)} {word} {last}" if others else last


def _claims(request: Request) -> Mapping[str, Any]:
    claims: Mapping[str, Any] = (request.context.get("authorizer") or {}).get("claims") or {}
    return claims
