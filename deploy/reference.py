"""Generates docs/api.md from openapi.json and the classes of errors.

`python -m deploy.reference` writes it; with `--check` it fails if the committed page is not current.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chalicelib import errors
from chalicelib.errors import NegatoscopeError
from deploy.generated import PROJECT, write_or_check

OPENAPI = Path(errors.__file__).with_name("openapi.json")
PAGE = PROJECT / "docs" / "api.md"

_HEAD = """# API

`make generate` writes this page. The complete description is
[`chalicelib/openapi.json`](../chalicelib/openapi.json), which it generates from `chalicelib/routes`; a
running system serves it at `/api/openapi.json`.

All paths begin with `/api`. Times are UTC, in ISO 8601 with microseconds. In AWS all routes except public
ones need the ID token of a user in the header `Authorization` ([Login](deployment.md#login)).

Large tables, pictures and model packages are in the bucket: the answer is 303, and its header `Location` has
a link that is valid for a quarter of an hour and carries its own signature. Follow it **without** the header
`Authorization`: S3 answers 400 to two signatures ("Only one auth mechanism allowed"). Browsers, curl (`-L`
without `--location-trusted`) and Python's requests drop it on the way to another host; Python's urllib does
not.
"""

_ERRORS = """Every error is `{"code", "message", "request_id"}`, and the message says what to do.
Unexpected errors are 500 with the code `InternalError`. Results of quarantined files have one of these codes
as their reason.
"""


def routes(description: Mapping[str, Any]) -> Iterator[str]:
    """Rows of the table of routes."""
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            statuses = ", ".join(status for status in operation["responses"] if status >= "400")
            schemes = operation.get("security", description["security"])
            yield f"| `{method.upper()} {path}` | {operation['summary']} | {_group(schemes)} | {statuses} |"


def _group(schemes: list[dict[str, list[str]]]) -> str:
    groups = [group for scheme in schemes for group in scheme["users"]]
    return groups[0] if groups else ("signed in" if schemes else "public")


def codes() -> Iterator[str]:
    """Rows of the table of errors."""
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
    write_or_check(PAGE, render(), "deploy.reference")
