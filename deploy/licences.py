"""Generates docs/licences.md: the licences of everything that is shipped, which have to be allowed ones.

`python -m deploy.licences` writes it; with `--check` it fails if the committed page is not current.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence

from deploy import components
from deploy.components import Component
from deploy.generated import PROJECT, write_or_check

PAGE = PROJECT / "docs" / "licences.md"

_HEAD = """# Licences

This project has the [MIT License](../LICENSE). Below are the licences of the third-party packages that
it ships. The container images are AWS's, and contain packages of their own. `make sbom` writes the same list
as a software bill of materials (CycloneDX); `make generate` writes this page.
"""


def render(shipped: Mapping[str, Sequence[Component]]) -> str:
    """The whole page."""
    return _HEAD + "".join(_section(place, found) for place, found in shipped.items())


def _section(place: str, found: Sequence[Component]) -> str:
    rows = (f"| {one.name} | {one.version} | {one.licence} |\n" for one in found)
    return f"\n## In the {place}\n\n| package | version | licence |\n|---|---|---|\n{''.join(rows)}"


def problems(shipped: Mapping[str, Sequence[Component]], allowed: frozenset[str]) -> Iterator[str]:
    """Sentences about components whose licence is unknown or not allowed."""
    for place, found in shipped.items():
        for one in found:
            if one.licence is None:
                yield (
                    f"{one.name} in the {place} has no licence in deploy/licences.toml. "
                    "Look it up and add it."
                )
            elif not is_allowed(one.licence, allowed):
                yield (
                    f"{one.name} in the {place} has the licence {one.licence}, which `allowed` in "
                    "deploy/licences.toml does not list. Use another package, or allow the licence."
                )


def is_allowed(expression: str, allowed: frozenset[str]) -> bool:
    """Whether an SPDX expression of identifiers, AND and OR can be fulfilled; AND binds closer."""
    return any(
        all(name.strip("() ") in allowed for name in re.split(r"\bAND\b", choice))
        for choice in re.split(r"\bOR\b", expression)
    )


if __name__ == "__main__":
    everything = components.shipped()
    if wrong := list(problems(everything, components.allowed())):
        sys.exit("\n".join(wrong))
    write_or_check(PAGE, render(everything), "deploy.licences")
