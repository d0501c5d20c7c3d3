"""The plain folder that serves as a drop folder on one machine."""

import os
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from local.inbox import Inbox


def test_one_bad_file_neither_ends_the_run_nor_holds_up_others(tmp_path: Path) -> None:
    said: list[str] = []
    sent: list[str] = []

    def upload(file: Path, key: str) -> None:
        key.encode()  # as boto3 does
        if "refused" in file.name:
            raise EndpointConnectionError(endpoint_url="http://localhost")
        sent.append(key)

    inbox = Inbox(tmp_path, ["task"], upload, said.append)
    for name in (b"good.png", b"refused.png", b"broken-\xff.png"):
        Path(os.fsdecode(bytes(tmp_path / "task") + b"/" + name)).write_bytes(b"x")
    for _ in range(3):
        inbox.poll()
    assert sent == ["inbox/task/good.png"]
    assert len(said) == 2
    assert all(message.isascii() for message in said)


def test_file_that_still_grows_waits(tmp_path: Path) -> None:
    sent: list[str] = []
    inbox = Inbox(
        tmp_path, ["task"], lambda _file, key: sent.append(key), lambda _: pytest.fail("said something")
    )
    file = tmp_path / "task" / "a.png"
    for size in (1, 2, 3):
        file.write_bytes(b"x" * size)
        inbox.poll()
    assert sent == []
    inbox.poll()
    assert sent == ["inbox/task/a.png"]
    assert (tmp_path / ".sent" / "task" / "a.png").exists()
