"""Renders docs/api.md from the description of the API and its errors.

`python -m deploy.reference > docs/api.md` writes it anew.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chalicelib import errors
from chalicelib.errors import NegatoscopeError

OPENAPI = Path(errors.__file__).with_name("openapi.json")

_HEAD = """# API

This page is the output of `.venv/bin/python -m deploy.reference`. The complete description is
[`chalicelib/openapi.json`](../chalicelib/openapi.json); a running system answers it at `/api/openapi.json`.

All paths begin with `/api`. Times are UTC, in ISO 8601 with microseconds. In AWS every route but those for
everybody needs the ID token of the user pool in the header `Authorization` ([Login](operations.md#login)).
"""

_ERRORS = """Every error is `{"code", "message", "request_id"}`, and the message says what to do. A 500 has
the code `InternalError`.
"""


def routes(description: Mapping[str, Any]) -> Iterator[str]:
    """The rows of the table of routes."""
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            statuses = ", ".join(status for status in operation["responses"] if status >= "400")
            schemes = operation.get("security", description["security"])
            yield f"| `{method.upper()} {path}` | {operation['summary']} | {_group(schemes)} | {statuses} |"


def _group(schemes: list[dict[str, list[str]]]) -> str:
    groups = [group for scheme in schemes for group in scheme["users"]]
    return groups[0] if groups else ("signed in" if schemes else "everybody")


def codes() -> Iterator[str]:
    """The rows of the table of errors."""
    for kind in sorted(_kinds(NegatoscopeError), key=lambda kind: (kind.status, kind.__name__)):
        yield f"| {kind.status.value} | `{kind.__name__}` | {(kind.__doc__ or '').splitlines()[0]} |"


def _kinds(base: type[NegatoscopeError]) -> Iterator[type[NegatoscopeError]]:
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from _kinds(kind)


def render() -> str:
    """The whole page."""
    description = json.loads(OPENAPI.read_text(encoding="utf-8"))
    parts = [
        _HEAD,
        "## Routes\n",
        "| route | what | group | errors |\n|---|---|---|---|",
        *routes(description),
        "\n## Errors\n",
        _ERRORS,
        "| status | code | meaning |\n|---|---|---|",
        *codes(),
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
