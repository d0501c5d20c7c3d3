"""The signed-in user and their permissions, from the claims that API Gateway's authorizer passes on."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from chalice.app import Request

from chalicelib.errors import NotAllowed

Group = Literal["reader", "reviewer", "admin"]
"""Groups of the stage's user pool (deploy/foundation.yaml), from the fewest to the most permissions.

Members of a group may also do what the groups before it may. Readers see results and models, reviewers send
images and review, admins decide which model classifies."""

GROUPS: tuple[Group, ...] = get_args(Group)

_HELP = "Ask an administrator of this installation to add you"


def user(request: Request) -> str:
    """The user pool's id of the signed-in user, which is no name; `local` where there is no login."""
    return str(_claims(request).get("sub", "local"))


def groups(request: Request) -> list[str]:
    """The groups of the user pool that the user belongs to.

    The token holds a list. API Gateway turns it into text: `a,b`, or `[a b]` in some kinds of API.
    """
    claim = _claims(request).get("cognito:groups") or []
    return re.findall(r"[^\s,\[\]]+", claim) if isinstance(claim, str) else [str(name) for name in claim]


def role(groups: Sequence[str]) -> Group | None:
    """The group with the most permissions among `groups`; None if none has any."""
    return max((group for group in GROUPS if group in groups), key=GROUPS.index, default=None)


def check(groups: Sequence[str], least: Group) -> None:
    """Make sure that a member of `groups` may do what `least` or a group with more permissions may do.

    Raises:
        NotAllowed: saying whom to ask.
    """
    own = role(groups)
    if own is None:
        raise NotAllowed(f"You are signed in, but in none of the groups {_listed(GROUPS, 'and')}. {_HELP}.")
    allowed = GROUPS[GROUPS.index(least) :]
    if own not in allowed:
        raise NotAllowed(f"Only members of the group {_listed(allowed, 'or')} may do this. {_HELP}.")


def _listed(names: Sequence[str], word: str) -> str:
    *others, last = (f"'{name}'" for name in names)
    return f"{', '.join(others)} {word} {last}" if others else last


def _claims(request: Request) -> Mapping[str, Any]:
    claims: Mapping[str, Any] = (request.context.get("authorizer") or {}).get("claims") or {}
    return claims
