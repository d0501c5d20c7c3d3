"""The local drop folder."""

import os
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from local.inbox import Inbox

Sent = list[tuple[str, bytes]]


@pytest.fixture
def sent() -> Sent:
    return []


@pytest.fixture
def inbox(tmp_path: Path, sent: Sent) -> Inbox:
    return Inbox(tmp_path, ["chest-xray"], lambda file, key: sent.append((key, file.read_bytes())), print)


def put(folder: Path, name: str, content: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def test_file_is_uploaded_when_it_is_complete(tmp_path: Path, inbox: Inbox, sent: Sent) -> None:
    put(tmp_path, "chest-xray/a b.png", b"half")
    inbox.poll()
    put(tmp_path, "chest-xray/a b.png", b"half and half")
    inbox.poll()
    assert sent == []

    inbox.poll()
    inbox.poll()

    assert sent == [("inbox/chest-xray/a b.png", b"half and half")]
    assert not (tmp_path / "chest-xray" / "a b.png").exists()
    assert (tmp_path / ".sent" / "chest-xray" / "a b.png").read_bytes() == b"half and half"


def test_folders_and_equal_names_are_kept_separate(tmp_path: Path, inbox: Inbox, sent: Sent) -> None:
    for content in (b"first", b"second"):
        put(tmp_path, "chest-xray/ward 7/x.png", content)
        inbox.poll()
        inbox.poll()

    assert sent == [("inbox/chest-xray/ward 7/x.png", b"first"), ("inbox/chest-xray/ward 7/x.png", b"second")]
    kept = (tmp_path / ".sent" / "chest-xray" / "ward 7").iterdir()
    assert {file.read_bytes() for file in kept} == {b"first", b"second"}


def test_hidden_files_are_not_uploaded(tmp_path: Path, inbox: Inbox, sent: Sent) -> None:
    put(tmp_path, "chest-xray/.DS_Store", b"x")
    inbox.poll()
    inbox.poll()

    assert sent == []


def test_unreadable_file_stays_and_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(file: Path, _key: str) -> None:
        raise PermissionError(13, "Permission denied", str(file))

    inbox = Inbox(tmp_path, [], refuse, print)
    put(tmp_path, "chest-xray/x.png", b"x")
    inbox.poll()
    inbox.poll()

    inbox.poll()

    said = capsys.readouterr().out
    reported = "x.png' cannot be uploaded and stays until the next start: Permission denied."
    assert said.count(reported) == 1
    assert (tmp_path / "chest-xray" / "x.png").exists()


def test_bad_file_does_not_block_others(tmp_path: Path) -> None:
    said: list[str] = []
    sent: list[str] = []

    def upload(file: Path, key: str) -> None:
        key.encode()  # as boto3 does
        if "refused" in file.name:
            raise EndpointConnectionError(endpoint_url="http://localhost")
        sent.append(key)

    inbox = Inbox(tmp_path, [], upload, said.append)
    for name in (b"good.png", b"refused.png", b"broken-\xff.png"):
        put(tmp_path, os.fsdecode(b"chest-xray/" + name), b"x")
    for _ in range(3):
        inbox.poll()

    assert sent == ["inbox/chest-xray/good.png"]
    assert len(said) == 2
    assert all(message.isascii() for message in said)
