"""The comparison of the whole system, with a client and a handler that are made up.

tests/stack runs the system itself.
"""

import http.client
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import local_system, made_up_results
from benchmarks.plan import Plan
from benchmarks.program import Reply
from benchmarks.section import Section


class Client:
    """A system that needs 2 ms for its health and 30 ms for an image, and reads half the files at once."""

    def __init__(self, stack: Any = None) -> None:
        self.sent: list[bytes] = []
        self.dropped = 0

    def milliseconds(self, method: str, path: str, body: bytes | None = None) -> float:
        assert path == ("health" if method == "GET" else "tasks/mammography-views/classify")
        if body is None:
            return 2.0
        self.sent.append(body)
        return 90.0 if len(self.sent) == 1 else 30.0

    def drop(self, images: list[bytes]) -> None:
        self.dropped += len(images)

    def count_results(self) -> int:
        return 7 + self.dropped

    def close(self) -> None: ...


class Handler:
    """Answers after 10 ms."""

    def __init__(self, *_: Any) -> None: ...
    def __enter__(self) -> "Handler":
        return self

    def __exit__(self, *_: object) -> None: ...
    def ask(self, file: Path) -> Reply:
        assert file.stat().st_size > 1000
        return Reply(10.0, "", 0)


class Stack:
    """A system that starts at once."""

    processes: dict[str, int] = {}  # noqa: RUF012
    aws_url = "http://localhost:4566"

    def __init__(self, *_: Any, **__: Any) -> None:
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> list[Stack]:
    """The systems that are made, none of which is real."""
    made: list[Stack] = []

    def make(*_: Any, **__: Any) -> Stack:
        made.append(Stack())
        return made[-1]

    monkeypatch.setattr(local_system, "LocalStack", make)
    monkeypatch.setattr(
        local_system, "different_mammograms", lambda: (b"%2000d" % number for number in count())
    )
    monkeypatch.setattr(local_system, "Client", Client)
    monkeypatch.setattr(local_system, "Program", Handler)
    monkeypatch.setattr(made_up_results, "store", lambda _, number: made[-1].calls.append(f"store {number}"))
    return made


def test_rows_have_times_and_floors(stacks: list[Stack], tmp_path: Path) -> None:
    section = local_system.measure(Plan(tmp_path, quick=True, say=lambda text: None))
    rows = {str(row[0]): row[1:] for row in section.rows}
    assert rows["first `POST classify`"] == [90, "ms", None, None, "1"]
    assert rows["`POST classify`"] == [30, "ms", 12, 2.5, "10"]
    assert rows["`GET health`"][0] == 2
    assert rows["drop folder"][1:3] == ["images/s and core", 100]
    assert rows["drop folder, with 500 results stored"][2] == 100
    assert section.remarks[0].endswith(" MB with 500 results stored.")
    assert stacks[0].calls == ["start", "store 500", "stop"]


def test_full_run_starts_twice_and_tells_the_99th_percentile(stacks: list[Stack], tmp_path: Path) -> None:
    section = local_system.measure(Plan(tmp_path, say=lambda text: None))
    names = [row[0] for row in section.rows]
    assert names[:2] == ["start, with nothing kept", "start, with state kept"]
    assert section.rows[4][1] == 30
    assert stacks[0].calls == ["start", "stop", "start", "store 50000", "stop"]


def test_system_is_stopped_when_a_request_fails(
    stacks: list[Stack], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: Any) -> float:
        raise RuntimeError("GET health answered 503")

    monkeypatch.setattr(Client, "milliseconds", refuse)
    section = local_system.measure(Plan(tmp_path, quick=True, say=lambda text: None))
    assert section.failure == "RuntimeError: GET health answered 503"
    assert [row[0] for row in section.rows] == ["start, with nothing kept"]
    assert stacks[0].calls == ["start", "stop"]


def test_images_without_a_result_are_not_waited_for_forever(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local_system, "PATIENCE", -1)
    client: Any = Client()
    client.drop = lambda images: None
    section = Section("", "", local_system.COLUMNS)
    handler: Any = Handler()
    with pytest.raises(TimeoutError, match="0 of 1 dropped images"):
        local_system.add_drop_folder(section, client, handler, [b"x" * 2000], tmp_path)


def test_client_refuses_answers_that_are_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = SimpleNamespace(status=503, read=lambda: b"busy")
    connection = SimpleNamespace(request=lambda *_: None, getresponse=lambda: answer, close=lambda: None)
    monkeypatch.setattr(http.client, "HTTPConnection", lambda *_, **__: connection)
    stack: Any = SimpleNamespace(port=1, aws_url="http://localhost:1")
    client = local_system.Client(stack)
    with pytest.raises(RuntimeError, match="GET health answered 503: b'busy'"):
        client.milliseconds("GET", "health")
    client.close()
