"""The unit tests of a module are found by its name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stage import ROOT

PACKAGES = (
    "models",
    "retraining",
)
"""Subpackages of chalicelib whose modules have a test file each."""


def modules(package: str) -> Iterator[Path]:
    """The modules of a package that hold at least one function or method, relative to chalicelib."""
    for path in sorted((ROOT / "chalicelib" / package).rglob("*.py")):
        tree = ast.parse(path.read_text())
        if any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree)):
            yield path.relative_to(ROOT / "chalicelib")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_has_a_test_file_of_its_name(package: str) -> None:
    wanted = [module.with_name(f"test_{module.name}") for module in modules(package)]
    assert [str(path) for path in wanted if not (ROOT / "tests" / "unit" / path).is_file()] == []
