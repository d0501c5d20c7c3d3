"""Licences of what is shipped: known, allowed, and as the packages themselves say."""

from importlib.metadata import PackageNotFoundError, metadata

import pytest

from deploy import components
from deploy.components import Component
from deploy.licences import PAGE, is_allowed, problems, render

ALLOWED = frozenset({"MIT", "BSD-3-Clause"})


def test_everything_shipped_has_an_allowed_licence_and_is_listed() -> None:
    shipped = components.shipped()

    assert list(problems(shipped, components.allowed())) == []
    assert PAGE.read_text() == render(shipped), "run `make generate`"
    assert {one.name for found in shipped.values() for one in found} >= {
        "numpy",
        "chalice",
        "onnxruntime-web",
    }


@pytest.mark.parametrize(
    ("licence", "problem"),
    [
        ("MIT", ""),
        (None, "x in the page has no licence in deploy/licences.toml. Look it up and add it."),
        ("GPL-3.0-only", "x in the page has the licence GPL-3.0-only, which `allowed`"),
    ],
)
def test_unknown_and_forbidden_licences_are_named(licence: str | None, problem: str) -> None:
    found = "".join(problems({"page": [Component("npm", "x", "1", licence)]}, ALLOWED))

    assert found.startswith(problem)
    assert bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT AND BSD-3-Clause", True),
        ("MIT AND GPL-2.0-only", False),
        ("GPL-2.0-only OR MIT", True),
        ("GPL-2.0-only OR GPL-2.0-only AND MIT", False),
    ],
)
def test_expressions_are_understood(expression: str, allowed: bool) -> None:
    assert is_allowed(expression, ALLOWED) == allowed


def test_licences_are_those_that_installed_packages_declare() -> None:
    compared = 0
    for found in components.shipped().values():
        for one in found:
            try:
                declared = metadata(one.name).get("License-Expression") if one.registry == "pypi" else None
            except PackageNotFoundError:
                continue
            if declared:
                assert declared == one.licence, one.name
                compared += 1
    assert compared > 3
