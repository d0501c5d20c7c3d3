"""Documents and table agree, whichever was written last."""

from itertools import count

import boto3
import pytest

from chalicelib.errors import UnknownResult
from chalicelib.results import decisions as module
from chalicelib.results import result_document
from chalicelib.results.decisions import Decisions, NotADocument, restore
from chalicelib.results.result_document import Result
from chalicelib.results.table import ResultsTable
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectMissing, StorageFailed
from tests.stage import BUCKET
from tests.unit.results.items import classified, receive, result

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def decisions(table: ResultsTable) -> Decisions:
    return Decisions(DataBucket(boto3.client("s3"), BUCKET), table)


def finished(decisions: Decisions, number: int = 1) -> Result:
    done = classified(number)
    decisions.decide(done)
    decisions.table.finish(done)
    return done


def test_second_decision_adopts_the_first(decisions: Decisions) -> None:
    assert decisions.find(result(1)) is None
    first = decisions.decide(classified(1))
    assert (first.result["label"], first.etag) == ("left-cc", None)
    second = decisions.decide(classified(1, label="right-cc"))
    assert second.result == first.result
    assert second.etag


def test_change_counts_revisions_in_document_and_table(decisions: Decisions) -> None:
    done = finished(decisions)
    for revision in (1, 2):
        changed = decisions.change(
            done["id"], lambda found: found | {"distance": (found["distance"] or 0) + 1}
        )
        assert changed["distance"] == revision
        found, entry = decisions.find(done), decisions.table.entry(done["id"])
        assert found
        assert entry
        assert found.result == entry.result == changed
        assert (found.revision, entry.revision, entry.unfinished_since) == (revision, revision, None)


def test_change_of_an_unknown_image_is_refused(decisions: Decisions) -> None:
    with pytest.raises(UnknownResult):
        decisions.change("0" * 32, lambda found: found)


def test_refused_change_leaves_nothing_unfinished(decisions: Decisions) -> None:
    done = finished(decisions)

    def refuse(_: Result) -> Result:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        decisions.change(done["id"], refuse)
    entry = decisions.table.entry(done["id"])
    assert entry
    assert (entry.result, entry.unfinished_since) == (done, None)


def test_change_starts_from_the_document_of_another_writer(decisions: Decisions) -> None:
    done = finished(decisions)
    seen = []

    def edit(found: Result) -> Result:
        seen.append(found["label"])
        if len(seen) == 1:
            decisions.change(done["id"], lambda other: other | {"label": "right-cc"})
        return found | {"needs_review": True}

    changed = decisions.change(done["id"], edit)
    assert seen == ["left-cc", "right-cc"]
    assert (changed["label"], changed["needs_review"]) == ("right-cc", True)


def test_change_gives_up_if_others_always_come_first(
    decisions: Decisions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_TRIES", 2)
    done, numbers = finished(decisions), count(1)

    def edit(found: Result) -> Result:
        decisions.bucket.write_json(result_document.key(found), found | {"distance": next(numbers) + 0.5})
        return found

    with pytest.raises(StorageFailed, match="other writers"):
        decisions.change(done["id"], edit)


def test_repair_writes_a_missing_document_and_finishes_a_change(decisions: Decisions) -> None:
    assert decisions.repair("0" * 32) is False
    done = finished(decisions)
    assert decisions.repair(done["id"]) is False
    decisions.bucket.delete(result_document.key(done))
    decisions.table.begin_change(done["id"], 1)
    assert decisions.repair(done["id"]) is True
    found, entry = decisions.find(done), decisions.table.entry(done["id"])
    assert found
    assert entry
    assert (found.result, entry.unfinished_since) == (done, None)


def test_repair_leaves_an_unfinished_image_alone(decisions: Decisions) -> None:
    receive(decisions.table, result(1))
    assert decisions.repair(result(1)["id"]) is False
    assert decisions.find(result(1)) is None


def test_restore_fills_the_table_once(decisions: Decisions) -> None:
    done = classified(1)
    decisions.decide(done)
    key = result_document.key(done)
    assert restore(decisions.bucket, decisions.table, key) is True
    assert decisions.table.get(done["id"]) == done
    assert restore(decisions.bucket, decisions.table, key) is False


def test_restore_leaves_a_quarantine_to_the_run_that_moves_the_file(decisions: Decisions) -> None:
    receive(decisions.table, result(1))
    bad = classified(1, status="quarantined")
    decisions.decide(bad)
    assert restore(decisions.bucket, decisions.table, result_document.key(bad)) is False
    assert decisions.table.get(bad["id"])["status"] == "received"


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"[]", b"null", b'{"id": "1"}', b'{"task": "chest-xray", "id": "2", "status": "classified"}',
     b'{"task": "chest-xray", "id": "1", "status": "received"}'],
)  # fmt: skip
def test_object_that_is_not_a_result_is_not_restored(decisions: Decisions, document: bytes) -> None:
    decisions.bucket.write("results/chest-xray/1.json", document, "application/json")
    with pytest.raises(NotADocument):
        restore(decisions.bucket, decisions.table, "results/chest-xray/1.json")
    with pytest.raises(ObjectMissing):
        restore(decisions.bucket, decisions.table, "results/chest-xray/2.json")
