"""Files on disk and objects in S3 are listed and read in the same way."""

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.training.trees import write_tree
from training.data.storage import Storage, join, parent
from training.errors import FileMissing, TrainingError

ODD = ["a b+(1).png", "ü/№ 1.png", "deep/er/50%.png"]


def upload(client: Any, keys: dict[str, bytes]) -> None:
    for key, content in keys.items():
        client.put_object(Bucket="films", Key=key, Body=content)


def test_join_and_parent_work_for_disk_and_s3() -> None:
    assert join("s3://films/data/", "a b.png") == "s3://films/data/a b.png"
    assert join("s3://films/data", "s3://other/x.png") == "s3://other/x.png"
    assert join("data", "a/b.png") == str(Path("data/a/b.png"))
    assert join("data", "/elsewhere/b.png") == "/elsewhere/b.png"
    assert parent("s3://films/data/output.manifest") == "s3://films/data"
    assert parent("data/output.manifest") == "data"


def test_objects_are_listed_relative_to_the_prefix(s3: Any) -> None:
    upload(s3, {f"data/{path}": b"x" for path in ODD} | {"data/": b"", "database/no.png": b"x"})

    assert sorted(Storage(s3).paths("s3://films/data")) == sorted(ODD)
    assert sorted(Storage(s3).paths("s3://films/data/")) == sorted(ODD)
    assert len(list(Storage(s3).paths("s3://films"))) == 4


def test_listing_over_several_pages_is_complete(s3: Any) -> None:
    upload(s3, {f"many/{number}.png": b"" for number in range(7)})
    s3.meta.events.register(
        "provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 2}
    )

    assert sorted(Storage(s3).paths("s3://films/many")) == [f"{number}.png" for number in range(7)]


def test_files_are_listed_and_read_like_objects(tmp_path: Path, s3: Any) -> None:
    write_tree(tmp_path, ODD)
    upload(s3, {f"data/{path}": path.encode() for path in ODD})
    storage = Storage(s3)

    for folder in (str(tmp_path), "s3://films/data"):
        assert sorted(storage.paths(folder)) == sorted(ODD)
        assert [storage.read(join(folder, path)) for path in ODD] == [path.encode() for path in ODD]
        assert storage.exists(join(folder, ODD[0]))
        assert not storage.exists(join(folder, "a b"))


def test_folder_that_cannot_be_read_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its images would be missing without a word."""
    write_tree(tmp_path, ["ill/a.png", "ill/more/b.png"])
    scan = os.scandir

    def refuse(folder: str) -> Any:
        if folder.endswith("more"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
        return scan(folder)

    monkeypatch.setattr("os.scandir", refuse)

    with pytest.raises(TrainingError, match="ill/more' cannot be read: Permission denied"):
        list(Storage().paths(str(tmp_path)))


def test_client_is_created_for_the_first_object(s3: Any) -> None:
    upload(s3, {"x": b"content"})

    assert Storage().read("s3://films/x") == b"content"


def test_files_on_disk_are_read_without_boto3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path, ["a.txt"])
    monkeypatch.setitem(sys.modules, "boto3", None)

    assert list(Storage().lines(str(tmp_path / "a.txt"))) == ["a.txt"]


def test_lines_keep_their_ends_on_disk_and_in_s3(tmp_path: Path, s3: Any) -> None:
    text = "\ufeffpath,class\r\nü.png,x\n".encode()
    upload(s3, {"m.csv": text})
    (tmp_path / "m.csv").write_bytes(text)

    for address in ("s3://films/m.csv", str(tmp_path / "m.csv")):
        assert list(Storage(s3).lines(address)) == ["path,class\r\n", "ü.png,x\n"]


@pytest.mark.parametrize(
    ("address", "message", "is_missing"),
    [
        ("s3://films/missing.png", r"'s3://films/missing\.png' cannot be read: .*NoSuchKey", True),
        ("s3://no-such-bucket/x.png", r"cannot be read: .*NoSuchBucket", False),
        ("nowhere/x.png", r"'nowhere/x\.png' cannot be read: No such file", True),
        (".", r"'\.' cannot be read: Is a directory", False),
    ],
)
def test_unreadable_file_is_reported_by_name(s3: Any, address: str, message: str, is_missing: bool) -> None:
    with pytest.raises(TrainingError, match=message) as caught:
        Storage(s3).read(address)
    assert isinstance(caught.value, FileMissing) == is_missing
    with pytest.raises(TrainingError, match=message):
        list(Storage(s3).lines(address))


def test_missing_bucket_is_reported_by_name(s3: Any) -> None:
    with pytest.raises(TrainingError, match="'s3://no-such-bucket/data' cannot be read"):
        list(Storage(s3).paths("s3://no-such-bucket/data"))
