"""Every patch of ministack names tests that need it, and the tests exist."""

import re
from pathlib import Path

import pytest

from tests.stage import ROOT

PATCHES = [
    file for file in sorted((ROOT / "local" / "aws").glob("*.py")) if "patching.wrap(" in file.read_text()
]
NAMES = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"def (test_\w+)", file.read_text())
}


def test_there_are_patches() -> None:
    assert len(PATCHES) > 5


@pytest.mark.parametrize("file", PATCHES, ids=lambda file: file.stem)
def test_patches_say_when_they_can_go(file: Path) -> None:
    assert "can go when" in file.read_text().lower()


@pytest.mark.parametrize("file", [*PATCHES, ROOT / "local" / "aws" / "README.md"], ids=lambda file: file.name)
def test_cited_tests_exist(file: Path) -> None:
    text = file.read_text()
    for path in re.findall(r"(?:tests/)?((?:stack|unit|soak)/[\w/]+\.py)", text):
        assert (ROOT / "tests" / path).is_file(), path
    for name in re.findall(r"\b(test_\w+)\b(?!\.py)", text):
        assert name in NAMES, name
