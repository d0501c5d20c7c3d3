"""Each module with behaviour has a test file of its name: the tests of `x/y.py` are in `x/test_y.py`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stage import ROOT

PACKAGES = (
    ".",
    "api",
    "imaging",
    "imaging/dicom",
    "imaging/jpeg",
    "imaging/png",
    "imaging/tiff",
    "models",
    "monitoring",
    "pipeline",
    "results",
    "retraining",
    "retraining/planning",
    "storage",
    "tasks",
)
"""Folders of chalicelib; `.` has the single modules."""

TESTED_ELSEWHERE = {
    "dependencies": "it only connects the parts; tests/functional run the application through it",
}
"""Modules without a test file of their own, and why."""


def has_behaviour(path: Path) -> bool:
    """Whether a module has at least one function or method."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(node, functions) for node in ast.walk(ast.parse(path.read_text())))


def modules_with_behaviour(package: str) -> Iterator[str]:
    for path in sorted((ROOT / "chalicelib" / package).glob("*.py")):
        if has_behaviour(path):
            yield path.stem


@pytest.mark.parametrize("package", PACKAGES)
def test_module_with_behaviour_has_a_test_file(package: str) -> None:
    tests = ROOT / "tests/unit" / package
    missing = [
        module
        for module in modules_with_behaviour(package)
        if module not in TESTED_ELSEWHERE and not (tests / f"test_{module}.py").exists()
    ]
    assert missing == []


def test_exceptions_are_modules_without_tests() -> None:
    for module in TESTED_ELSEWHERE:
        assert (ROOT / "chalicelib" / f"{module}.py").exists()
        assert not (ROOT / "tests/unit" / f"test_{module}.py").exists()


def test_behaviour_is_any_function_or_method(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    for text, expected in (
        ("LIMIT = 3\n", False),
        ("class Shape:\n    side: int\n", False),
        ("class Shape:\n    def area(self): ...\n", True),
        ("async def main(): ...\n", True),
    ):
        module.write_text(text)
        assert has_behaviour(module) == expected
