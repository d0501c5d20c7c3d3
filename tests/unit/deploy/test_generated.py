"""Files that are generated and committed."""

import sys
from pathlib import Path

import pytest

from deploy import generated
from deploy.generated import write_or_check


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(generated, "PROJECT", tmp_path)
    return tmp_path / "docs.md"


def run(path: Path, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["deploy.x", *arguments])
    write_or_check(path, "new\n", "deploy.x")


def test_command_writes_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(path, monkeypatch=monkeypatch)
    assert path.read_text() == "new\n"
    run(path, "--check", monkeypatch=monkeypatch)


@pytest.mark.parametrize("old", [None, "old\n"])
def test_check_fails_without_writing(path: Path, monkeypatch: pytest.MonkeyPatch, old: str | None) -> None:
    if old:
        path.write_text(old)
    with pytest.raises(SystemExit, match=r"docs.md is not current. Write it with `.*-m deploy.x`"):
        run(path, "--check", monkeypatch=monkeypatch)
    assert path.exists() == bool(old)
    assert not old or path.read_text() == old
