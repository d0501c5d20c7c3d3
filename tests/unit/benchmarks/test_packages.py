import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from benchmarks.packages import folder_megabytes, installed_megabytes, megabytes, needed
from benchmarks.program import ProgramFailed


def test_needed_packages_include_those_that_they_need() -> None:
    found = needed(["boto3"])
    assert {"boto3", "botocore", "s3transfer", "python-dateutil", "six"} <= found.keys()
    assert "crt" not in found
    with pytest.raises(PackageNotFoundError):
        needed(["nowhere"])


def test_size_is_that_of_files_without_bytecode(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x" * 3000)
    (tmp_path / "a.pyc").write_bytes(b"x" * 9000)
    assert folder_megabytes(tmp_path) == pytest.approx(0.003)
    assert 20 < megabytes(needed(["numpy"]).values()) < 200


def test_size_in_another_environment_or_why_there_is_none() -> None:
    small = installed_megabytes(Path(sys.executable), ["six"])
    assert 0.01 < small < 1
    with pytest.raises(ProgramFailed, match="nowhere"):
        installed_megabytes(Path(sys.executable), ["nowhere"])
    with pytest.raises(ProgramFailed, match=r"\.venv-absent is not installed"):
        installed_megabytes(Path("/.venv-absent/bin/python"), ["six"])
