"""What is shipped besides this project's own code: packages of registries, by the place they go to."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.requirement_locks import pins

PROJECT = Path(__file__).parent.parent
LICENCES = Path(__file__).with_name("licences.toml")
PAGE = "frontend/package-lock.json"

PLACES = {
    "layer of the Lambdas": "requirements.txt",
    "code of the Lambdas": "local/requirements.txt",
    "containers that train": "training/requirements.txt",
    "containers that serve": "training/requirements-serving.txt",
    "page": PAGE,
}
"""The lock file of each place."""
CODE = ("chalice",)
"""What Chalice packs beside the code, of the packages that deploy it."""


@dataclass(frozen=True)
class Component:
    """A package of a registry."""

    registry: str
    """As in package URLs: pypi or npm."""
    name: str
    version: str
    licence: str | None
    """SPDX expression; None if nobody has looked it up."""

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:{self.registry}/{self.name.replace('@', '%40')}@{self.version}"


def allowed() -> frozenset[str]:
    """The licences that a component may have."""
    return frozenset(tomllib.loads(LICENCES.read_text(encoding="utf-8"))["allowed"])


def shipped() -> dict[str, list[Component]]:
    """All components, by place."""
    return {place: list(_npm(lock) if lock == PAGE else _python(lock)) for place, lock in PLACES.items()}


def _python(lock: str) -> Iterator[Component]:
    licences = tomllib.loads(LICENCES.read_text(encoding="utf-8"))["packages"]
    for pin in pins((PROJECT / lock).read_text(encoding="utf-8")):
        if lock != PLACES["code of the Lambdas"] or pin.name in CODE:
            yield Component("pypi", pin.name, pin.version, licences.get(pin.name))


def _npm(lock: str) -> Iterator[Component]:
    """What the page's libraries consist of; types, which no browser gets, are among it."""
    for path, package in json.loads((PROJECT / lock).read_text(encoding="utf-8"))["packages"].items():
        if path:
            name = path.rpartition("node_modules/")[2]
            yield Component("npm", name, package["version"], package.get("license"))
