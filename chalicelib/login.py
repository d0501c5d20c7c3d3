"""Who is signed in, from what the API's authorizer knows of a request."""

import re
from collections.abc import Mapping
from typing import Any

from chalice.app import Request

GROUPS = ("reader", "reviewer", "admin")
"""Of the stage's user pool; see foundation.yaml."""


def user(request: Request) -> str:
    """Who is signed in: the user pool's own id, which is no name; `local` where there is no login."""
    return str(_claims(request).get("sub", "local"))


def groups(request: Request) -> list[str]:
    """The groups of the user pool that the user belongs to.

    Tokens hold a list, of which API Gateway makes text: `a,b`, or `[a b]` in some of its kinds.
    """
    claim = _claims(request).get("cognito:groups") or []
    return re.findall(r"[^\s,\[\]]+", claim) if isinstance(claim, str) else [str(name) for name in claim]


def _claims(request: Request) -> Mapping[str, Any]:
    claims: Mapping[str, Any] = (request.context.get("authorizer") or {}).get("claims") or {}
    return claims
