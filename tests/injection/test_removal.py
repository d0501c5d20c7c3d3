"""Deletions in which each call fails in turn: nothing of the image is left, or everything."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib import dependencies
from chalicelib.models.classifier import Classifier
from chalicelib.pipeline import purge
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.results import result_document
from chalicelib.storage import inbox
from chalicelib.tasks import load_task
from tests import images
from tests.injection.conftest import NewWorld
from tests.injection.faults import FEW_KINDS, KILLS, Fault, faults
from tests.injection.invariant import problems
from tests.injection.scenarios import CLASSIFY, RESULT
from tests.injection.test_images import CLIENT_TRIES, Trial, check
from tests.injection.world import World
from tests.models import TASK
from tests.stage import BUCKET


def _stored(world: World, key: str, body: bytes) -> str:
    """The id of an image that came in as a file, in a bucket that keeps versions."""
    with world.process():
        dependencies.bucket()._client.put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
        )
    world.drop(key, body)
    world.settle()
    ((result,), _) = dependencies.table().page()
    return result["id"]


def uploaded(world: World) -> str:
    return _stored(world, inbox.upload_key(TASK, "ab" * 16), images.grey_file())


def unreadable(world: World) -> str:
    return _stored(world, f"inbox/{TASK}/ward 7/letter.txt", b"Dear colleague,")


def posted(world: World) -> str:
    _, result = world.ask("POST", CLASSIFY, images.grey_file(), task=TASK)
    world.settle()
    return str(result["id"])


def left(world: World, image_id: str) -> list[str]:
    """What is left of a deleted image that should not be."""
    items = dependencies.table()._table.scan()["Items"]
    found = [f"an item has the status {item['status']}" for item in items if item["status"] != "deleted"]
    found += ["an item is still marked" for item in items if "unfinished" in item]
    found += [f"an item was updated without a condition: {update}" for update in world.unconditional]
    document = f"results/{TASK}/{image_id}.json"
    versions = list(dependencies.bucket().versions(""))
    # S3 deletes markers without versions by itself.
    kept = [one for one in versions if one.etag and not one.key.startswith(("audit/", "sweep/"))]
    found += [f"a version is left in {one.key.split('/')[0]}/" for one in kept if one.key != document]
    if [one.key for one in kept].count(document) != 1:
        found.append("the document has several versions, or none")
    if dependencies.table().page() != ([], None):
        found.append("it is listed")
    if world.ask("GET", RESULT, id=image_id)[0] != 410:
        found.append("it can be read")
    return found


def test_deletion_is_finished(new_world: NewWorld) -> None:
    def ended(fault: Fault | None, tries: int) -> tuple[list[str], int]:
        world = new_world()
        image_id = uploaded(world)
        status, _ = world.ask("DELETE", RESULT, id=image_id, fault=fault)
        calls = len(world.last_calls)
        for _ in range(tries):
            if status == 200:
                break
            status, _ = world.ask("DELETE", RESULT, id=image_id)
        world.settle()
        world.pass_time()
        found = left(world, image_id)
        untouched = problems(world, expected=1, counted=1)
        if status != 200 and not untouched:
            found = []
        assert dependencies.audit().page(9, None)[0] or status != 200
        return found, calls

    found, calls = ended(None, 0)
    assert found == []

    def trials() -> Iterator[Trial]:
        for fault in faults(calls, FEW_KINDS):
            yield fault, "sent again", ended(fault, CLIENT_TRIES)[0]
            if fault.kind in KILLS:
                yield fault, "given up", ended(fault, 0)[0]

    check(calls, trials())


def test_sweep_of_a_deletion_is_finished(new_world: NewWorld) -> None:
    def ended(fault: Fault | None) -> tuple[list[str], int]:
        world = new_world()
        image_id = unreadable(world)
        assert world.ask("DELETE", RESULT, id=image_id)[0] == 200
        world.sweep(11, fault)
        calls = len(world.last_calls)
        world.settle()
        world.pass_time()
        return left(world, image_id), calls

    found, calls = ended(None)
    assert found == []
    check(calls, ((fault, "next sweeps", ended(fault)[0]) for fault in faults(calls, FEW_KINDS)))


@pytest.mark.parametrize("store", [uploaded, unreadable])
def test_late_events_bring_nothing_back(store: Callable[[World], str], new_world: NewWorld) -> None:
    world = new_world()
    image_id = store(world)
    ((key, body),) = world.arrived.items()
    assert world.ask("DELETE", RESULT, id=image_id)[0] == 200
    world.pass_time()

    world.drop(key, body)  # the same file again, or its form sent twice
    ((_, event),) = world.pending
    world.settle()
    world.invoke("prepare", event)
    world.pass_time()

    assert left(world, image_id) == []


def test_sweep_removes_a_late_file_without_an_event(new_world: NewWorld) -> None:
    world = new_world()
    image_id = uploaded(world)
    ((key, body),) = world.arrived.items()
    assert world.ask("DELETE", RESULT, id=image_id)[0] == 200
    world.pass_time()

    world.drop(key, body)
    world.pending.clear()
    world.pass_time(hours=60)
    world.pass_time(hours=61)

    assert left(world, image_id) == []


@pytest.mark.parametrize("function", ["prepare", "classify"])
def test_runs_in_flight_bring_nothing_back(
    function: str, new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is deleted while the image's file is read, or while the model answers."""
    world = new_world()
    image_id = inbox.upload_id(TASK, "ab" * 16)
    with world.process():
        dependencies.table().announce(result_document.received(image_id, TASK, "upload"))
    world.drop(inbox.upload_key(TASK, "ab" * 16), images.grey_file())
    if function == "classify":
        world.invoke("prepare", world.pending.popleft()[1])
    owner, name = (Pipeline, "_links") if function == "prepare" else (Classifier, "classify")
    carry_on = getattr(owner, name)

    def delete_first(*arguments: object) -> object:
        with world.running(""):
            dependencies.removal().delete(image_id, "me")
        return carry_on(*arguments)

    monkeypatch.setattr(owner, name, delete_first)
    world.settle()
    world.pass_time()

    assert left(world, image_id) == []
    assert world.counted("Classified") == 0


def test_image_can_be_sent_again_after_its_deletion(new_world: NewWorld) -> None:
    world = new_world()
    image_id = posted(world)
    assert world.ask("PUT", f"{RESULT}/review", {"label": "left-cc"}, id=image_id)[0] == 200
    assert world.ask("DELETE", RESULT, id=image_id)[0] == 200

    started = datetime.now(UTC)
    assert posted(world) == image_id
    world.pass_time()

    status, result = world.ask("GET", RESULT, id=image_id)
    assert (status, result["status"], result["review"], result["readings"]) == (200, "classified", None, [])
    assert datetime.fromisoformat(result["created_at"]) >= started
    assert problems(world, expected=1, counted=2) == []


def test_image_that_is_sent_again_during_a_sweep_is_kept(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world()
    image_id = posted(world)
    assert world.ask("DELETE", RESULT, id=image_id)[0] == 200
    find_originals = purge.originals

    def send_again_first(*arguments: Any) -> Any:
        monkeypatch.setattr(purge, "originals", find_originals)
        with world.running(""):
            again = dependencies.pipeline().classify_now(load_task(TASK), images.grey_file())
        assert again["id"] == image_id
        return find_originals(*arguments)

    monkeypatch.setattr(purge, "originals", send_again_first)
    world.pass_time()

    assert world.ask("GET", RESULT, id=image_id)[1]["status"] == "classified"
    assert world.ask("GET", f"{RESULT}/preview", id=image_id)[0] == 200
    assert problems(world, expected=1, counted=2) == []
