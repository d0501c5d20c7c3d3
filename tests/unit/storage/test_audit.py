"""The audit record in the bucket."""

import threading
import time
from typing import cast

import boto3
import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.storage.audit import Act, Audit, AuditEntry, AuditFilter
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import StorageFailed
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def audit() -> Audit:
    return Audit(DataBucket(boto3.client("s3"), BUCKET))


def test_page_has_the_newest_entries_first(audit: Audit) -> None:
    for number in range(5):
        audit.record("4711", "roll-back-model", "chest-xray", version=str(number))

    first, cursor = audit.page(2, None)
    second, cursor_of_last = audit.page(2, cursor)
    last, end = audit.page(2, cursor_of_last)

    assert [entry["details"]["version"] for entry in [*first, *second, *last]] == ["4", "3", "2", "1", "0"]
    assert [first[0]["user"], first[0]["act"], first[0]["subject"]] == [
        "4711",
        "roll-back-model",
        "chest-xray",
    ]
    assert first[0]["at"] > last[0]["at"]
    assert end is None


def test_entry_is_written_beside_what_precedes_the_act(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    record, begun, permitted, events = Audit.record, threading.Event(), threading.Event(), list[str]()

    def slow(self: Audit, user: str, act: Act, subject: str, **details: str) -> None:
        begun.set()
        assert permitted.wait(5)
        record(self, user, act, subject, **details)
        events.append("entry")

    monkeypatch.setattr(Audit, "record", slow)
    with audit.recording("4711", "classify-image", "0a" * 16, task="chest-xray") as wait_for_entry:
        assert begun.wait(5)
        events.append("decoded")
        permitted.set()
        wait_for_entry()
        events.append("stored")
    assert events == ["decoded", "entry", "stored"]
    assert [entry["details"] for entry in audit.page(9, None)[0]] == [{"task": "chest-xray"}]


def test_act_waits_for_its_entry_even_if_it_never_asks(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Audit.record

    def slow(self: Audit, user: str, act: Act, subject: str, **details: str) -> None:
        time.sleep(0.05)
        record(self, user, act, subject, **details)

    monkeypatch.setattr(Audit, "record", slow)
    with pytest.raises(InvalidRequest), audit.recording("4711", "try-image", "chest-xray"):
        raise InvalidRequest("not an image")
    with audit.recording("4711", "try-image", "chest-xray"):
        pass
    assert len(audit.page(9, None)[0]) == 2


def test_failed_entry_stops_the_act(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: str, **__: str) -> None:
        raise StorageFailed("PutObject: 500")

    monkeypatch.setattr(Audit, "record", fail)
    done: list[str] = []

    def act(*, ask: bool) -> None:
        with audit.recording("4711", "classify-image", "0a" * 16) as wait_for_entry:
            if ask:
                wait_for_entry()
            done.append("stored")

    with pytest.raises(StorageFailed):
        act(ask=True)
    assert done == []
    with pytest.raises(StorageFailed):
        act(ask=False)


ARN = "arn:aws:sts::123456789012:assumed-role/Admin/ada.lovelace@example.org"


@pytest.fixture
def used(audit: Audit) -> list[AuditEntry]:
    """All entries of a record, the newest first."""
    for user, act, subject in (
        ("4711", "review-result", "0a" * 16),
        ("4712", "review-result", "0a" * 16),
        ("drift monitor", "start-retraining", "run-1"),
        ("4711", "export-results", "all"),
        (ARN, "change-user", "4712"),
        ("4711", "review-result", "0b" * 16),
    ):
        audit.record(user, cast(Act, act), subject, label="x")
    return audit.page(100, None)[0]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (AuditFilter(), [0, 1, 2, 3, 4, 5]),
        (AuditFilter(user="4711"), [0, 2, 5]),
        (AuditFilter(user="471"), [0, 2, 4, 5]),
        (AuditFilter(user="711"), []),
        (AuditFilter(user=ARN), [1]),
        (AuditFilter(user="drift monitor"), [3]),
        (AuditFilter(act="review-result"), [0, 4, 5]),
        (AuditFilter(subject="0a" * 16), [4, 5]),
        (AuditFilter(user="4711", act="review-result", subject="0a" * 16), [5]),
    ],
)
def test_page_has_the_wanted_entries(
    audit: Audit, used: list[AuditEntry], wanted: AuditFilter, numbers: list[int]
) -> None:
    assert audit.page(100, None, wanted) == ([used[number] for number in numbers], None)
    pages, cursor = audit.page(2, None, wanted)
    while cursor:
        more, cursor = audit.page(2, cursor, wanted)
        pages += more
    assert pages == [used[number] for number in numbers]


def test_page_has_the_entries_of_a_period(audit: Audit, used: list[AuditEntry]) -> None:
    since, until = used[4]["at"], used[1]["at"]

    assert audit.page(100, None, AuditFilter(since=since, until=until)) == (used[2:5], None)
    first, cursor = audit.page(2, None, AuditFilter(since=since, until=until))
    assert [*first, *audit.page(2, cursor, AuditFilter(since=since, until=until))[0]] == used[2:5]
    assert audit.page(100, None, AuditFilter(since=since))[0] == used[:5]
    assert audit.page(100, None, AuditFilter(until=until))[0] == used[2:]


def test_page_looks_through_a_bounded_number_of_entries(
    audit: Audit, used: list[AuditEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.storage.audit._MAX_LISTED", 2)
    read: list[str] = []
    monkeypatch.setattr(Audit, "_read", lambda _, key: read.append(key))

    first, cursor = audit.page(100, None, AuditFilter(subject="0a" * 16))
    second, cursor = audit.page(100, cursor, AuditFilter(subject="0a" * 16))
    assert (first, second, read) == ([], [], [])
    monkeypatch.undo()
    assert audit.page(100, cursor, AuditFilter(subject="0a" * 16)) == (used[4:], None)


def test_page_has_the_first_entries_of_all(audit: Audit) -> None:
    """Their keys were shorter, and they name no source."""
    entry = {"at": "2026-11-29T12:00:00.000000Z", "user": "1", "act": "hide-result", "subject": "2"}
    key = f"audit/{10**17 - 1 - 1_795_953_600_000_000:017d}-{'a' * 32}.json"
    audit.bucket.write_json(key, entry | {"details": {}})

    (found,), _ = audit.page(9, None, AuditFilter(user="1", since="2026-11-29T12:00:00Z"))
    assert found == entry | {"details": {}, "source": "unknown"}
    assert audit.page(9, None, AuditFilter(user="2")) == ([], None)
    assert audit.page(9, None, AuditFilter(until="2026-11-29T12:00:00Z")) == ([], None)


def test_page_leaves_out_other_objects(audit: Audit) -> None:
    audit.bucket.write("audit/access-probe.json", b"x", "text/plain")
    assert audit.page(9, None) == ([], None)


def test_entries_name_what_wrote_them(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    for function in ("", "negatoscope-prod", "negatoscope-prod-drift-monitor"):
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", function)
        audit.record("4711", "start-retraining", "run")

    assert [entry["source"] for entry in audit.page(9, None)[0]] == ["drift-monitor", "api", "command"]


def test_page_of_an_empty_record(audit: Audit) -> None:
    assert audit.page(25, None) == ([], None)


@pytest.mark.parametrize("cursor", ["x", "../models/x", f"{'1' * 17}-{'G' * 32}"])
def test_page_refuses_other_cursors(audit: Audit, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        audit.page(25, cursor)
