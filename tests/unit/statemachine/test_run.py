"""The runner of processing jobs installs what is missing."""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.stage import ROOT

PYTHON = """#!/bin/bash
echo "$*" >> "$CALLS"
if [[ "$*" == *--no-index* && -n "$MISSING" ]]; then echo "not found" >&2; exit 1; fi
"""
"""Stands for the interpreter: it records its arguments, and pip finds nothing offline if MISSING is set."""


@pytest.mark.parametrize(("missing", "installations"), [("", 1), ("yes", 2)])
def test_runner_asks_the_package_index_only_if_a_package_is_missing(
    tmp_path: Path, missing: str, installations: int
) -> None:
    (tmp_path / "requirements.txt").touch()
    with tarfile.open(tmp_path / "code.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "requirements.txt", "requirements.txt")
    (tmp_path / "python3").write_text(PYTHON)
    (tmp_path / "python3").chmod(0o755)
    calls = tmp_path / "calls"

    done = subprocess.run(
        [
            "bash",
            ROOT / "statemachine" / "run.sh",
            tmp_path / "code.tar.gz",
            "some.module",
            "--some",
            "option",
        ],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(calls), "MISSING": missing},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    *pip, module = calls.read_text().splitlines()
    assert ["--no-index" in call for call in pip] == [True, False][:installations]
    assert all(call.startswith("-m pip install --quiet") and "--require-hashes" in call for call in pip)
    assert module == "-u -m training.launch some.module --some option"
