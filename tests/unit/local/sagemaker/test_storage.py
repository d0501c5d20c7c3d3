"""Locations in S3, and archives."""

import tarfile
from pathlib import Path

import pytest

from local.sagemaker.errors import JobFailed
from local.sagemaker.storage import S3Location, unpack


def test_archive_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(evil, "w:gz") as archive:
        archive.add(__file__, "../outside")

    with pytest.raises(JobFailed, match="cannot be unpacked"):
        unpack(evil, tmp_path / "inside")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("lost", [1, 8])
def test_truncated_archive_is_refused(tmp_path: Path, lost: int) -> None:
    damaged = tmp_path / "model.tar.gz"
    with tarfile.open(damaged, "w:gz") as archive:
        archive.add(__file__, "model.onnx")
    damaged.write_bytes(damaged.read_bytes()[:-lost])

    with pytest.raises(JobFailed, match="cannot be unpacked"):
        unpack(damaged, tmp_path / "inside")


@pytest.mark.parametrize(
    ("uri", "name", "below"),
    [("s3://b", "x", "s3://b/x"), ("s3://b/a/", "x", "s3://b/a/x"), ("s3://b/a", "x/y", "s3://b/a/x/y")],
)
def test_s3_locations(uri: str, name: str, below: str) -> None:
    assert str(S3Location.parse(uri).below(name)) == below
