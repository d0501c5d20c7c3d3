"""Who is signed in, and what they may do, from what the API's authorizer knows of a request."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chalice.app import Request

from chalicelib.errors import NotAllowed

GROUPS = ("reader", "reviewer", "admin")
"""Of the stage's user pool; see foundation.yaml. Whoever is in one may also do what those before it may:
readers see results and models, reviewers send images and review, admins decide which model classifies."""

_HELP = "Ask whoever manages the users of this installation to add you"


def user(request: Request) -> str:
    """Who is signed in: the user pool's own id, which is no name; `local` where there is no login."""
    return str(_claims(request).get("sub", "local"))


def groups(request: Request) -> list[str]:
    """The groups of the user pool that the user belongs to.

    Tokens hold a list, of which API Gateway makes text: `a,b`, or `[a b]` in some of its kinds.
    """
    claim = _claims(request).get("cognito:groups") or []
    return re.findall(r"[^\s,\[\]]+", claim) if isinstance(claim, str) else [str(name) for name in claim]


def role(groups: Sequence[str]) -> str | None:
    """That of the groups which may do most; None if none may do anything."""
    return max((name for name in groups if name in GROUPS), key=GROUPS.index, default=None)


def check(groups: Sequence[str], least: str) -> None:
    """Make sure that a member of `groups` may do what takes a member of `least`.

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
