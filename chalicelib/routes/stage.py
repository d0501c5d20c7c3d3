"""Routes of the stage: its state, its users and its audit record."""

import json
from pathlib import Path
from typing import Any

from chalicelib import dependencies
from chalicelib.api import (
    queries,
    schemas,
    stage_views,
)
from chalicelib.api.http import api
from chalicelib.settings import settings


@api.get("/health", public=True)
def health() -> schemas.Health:
    """Check that the API is up, and learn where people sign in."""
    return stage_views.health(settings())


@api.get("/openapi.json", public=True)
def openapi() -> dict[str, Any]:
    """Get this document, in OpenAPI 3.1."""
    return dict(json.loads((Path(__file__).parent.parent / "openapi.json").read_text()))


@api.get("/stage")
def describe_stage() -> schemas.Stage:
    """Get the name, the version, the bucket and the limits of this installation."""
    return stage_views.describe(settings())


@api.get("/me", group=None)
def me() -> schemas.Me:
    """Get the permissions of the signed-in user."""
    return {
        "login": api.has_login,
        "user": api.user,
        "groups": api.groups,
        "role": api.role,
        "tasks": api.tasks,
    }


@api.get("/audit", group="admin", query=queries.AUDIT_PAGE)
def list_audit_entries() -> schemas.AuditPage:
    """List who sent, reviewed, exported, hid or deleted what, and who decided about models, newest first."""
    limits = queries.page(api.query, queries.AUDIT_ENTRIES_PER_PAGE)
    entries, cursor = dependencies.audit().page(*limits, queries.audited(api.query))
    names = dependencies.user_names().of(entry["user"] for entry in entries)
    return {"entries": entries, "names": names, "cursor": cursor}


@api.get("/access-log", group="admin", query=queries.ACCESS_LOG_PAGE)
def list_requests() -> schemas.AccessLogPage:
    """List the requests to the API with their users, the oldest of a period first: who looked at what.

    A request is in the log some seconds after it was answered.
    """
    limits = queries.page(api.query, queries.AUDIT_ENTRIES_PER_PAGE)
    entries, cursor = dependencies.access_log().page(*queries.logged(api.query), *limits)
    names = dependencies.user_names().of(entry["user"] for entry in entries)
    return {"entries": entries, "names": names, "cursor": cursor}
