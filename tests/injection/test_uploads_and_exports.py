"""Upload forms and exports in which each call fails in turn."""

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import dependencies
from chalicelib.api import export
from tests import images
from tests.injection.conftest import NewWorld
from tests.injection.faults import Fault, faults
from tests.injection.invariant import problems
from tests.injection.scenarios import CLASSES, CLASSIFY
from tests.injection.test_images import CLIENT_TRIES, Trial, check
from tests.injection.world import World
from tests.models import TASK
from tests.stage import BUCKET

LABELLED_IMAGES = "/tasks/{task}/labelled-images"


def insist(
    world: World, method: str, path: str, body: Any = None, fault: Fault | None = None, **parameters: Any
) -> tuple[int, Any]:
    """The answer to a person who repeats a request until it is answered."""
    status, answer = world.ask(method, path, body, fault, **parameters)
    for _ in range(CLIENT_TRIES):
        if status not in (0, 500, 503):
            break
        status, answer = world.ask(method, path, body, **parameters)
    return status, answer


def test_upload_form_recovers(new_world: NewWorld) -> None:
    """A form that was never delivered expires; a delivered one can be used."""
    image = images.grey_file()
    body = {"task": TASK, "size": len(image), "content_type": "image/png"}

    def left(fault: Fault | None) -> tuple[list[str], int]:
        world = new_world()
        status, form = insist(world, "POST", "/uploads", body, fault)
        calls = len(world.last_calls)
        if status != 201:
            return [f"the answer is {status}"], calls
        world.drop(form["upload"]["fields"]["key"], image)
        world.settle()
        found = []
        for item in dependencies.table()._table.scan()["Items"]:
            if item["id"] != form["id"]:
                if "expires_at" not in item or "unfinished" in item:
                    found.append("a form that was never delivered does not expire")
                dependencies.table()._table.delete_item(Key={"id": item["id"]})
        return found + problems(world, expected=1, counted=1), calls

    found, calls = left(None)
    assert (found, calls) == ([], 3)
    check(calls, ((fault, "sent again", left(fault)[0]) for fault in faults(calls)))


def test_forms_for_labelled_images_change_only_the_audit_record(new_world: NewWorld) -> None:
    """Repeating them gives a form for the same object."""
    world = new_world()
    image = {"label": CLASSES[0], "sha256": "0f" * 32, "size": 7, "content_type": "image/png"}
    keys = set()
    for _ in range(2):
        status, answer = world.ask("POST", LABELLED_IMAGES, {"images": [image]}, task=TASK)
        assert (status, [call.operation for call in world.last_calls]) == (201, ["PutObject"])
        keys |= {form["fields"]["key"] for form in answer["uploads"]}
    assert keys == {f"labelled/{TASK}/{CLASSES[0]}/{'0f' * 32}.png"}


def test_upload_that_was_given_up_counts_if_it_arrives(new_world: NewWorld) -> None:
    image = images.grey_file()
    body = {"task": TASK, "size": len(image), "content_type": "image/png"}

    def left(fault: Fault | None) -> tuple[list[str], int]:
        world = new_world()
        form = world.ask("POST", "/uploads", body)[1]
        status, _ = world.ask("DELETE", "/uploads/{id}", fault=fault, id=form["id"])
        calls = len(world.last_calls)
        if status != 200:
            status, _ = world.ask("DELETE", "/uploads/{id}", id=form["id"])
        found = [] if status == 200 else [f"the answer is {status}"]
        if dependencies.table().page() != ([], None):
            found.append("it is listed")
        world.drop(form["upload"]["fields"]["key"], image)
        assert world.ask("DELETE", "/uploads/{id}", id=form["id"])[0] == 200
        world.settle()
        return found + problems(world, expected=1, counted=1), calls

    found, calls = left(None)
    assert (found, calls) == ([], 1)
    check(calls, ((fault, "sent again", left(fault)[0]) for fault in faults(calls)))


def test_large_export_recovers(new_world: NewWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The export is complete or missing, and nothing else changes."""
    monkeypatch.setattr(export, "MAX_INLINE_BYTES", 10)
    world = new_world()
    for rows in (100, 101):
        world.ask("POST", CLASSIFY, images.grey_file(height=rows), task=TASK)
    world.settle()

    def state() -> tuple[Any, dict[str, bytes]]:
        s3 = dependencies.bucket()._client
        found = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
        keys = [key for key in found if not key.startswith("audit/")]
        objects = {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}
        return dependencies.table()._table.scan()["Items"], objects

    items, objects = state()
    assert world.ask("GET", "/results.csv")[0] == 303
    calls = len(world.last_calls)
    (exported,) = state()[1].keys() - objects.keys()
    table = state()[1][exported]
    assert table.count(b"\r\n") == 3

    def trials() -> Iterator[Trial]:
        for fault in faults(calls):
            dependencies.bucket().delete(exported)
            found = []
            status, answer = world.ask("GET", "/results.csv", fault=fault)
            if status not in (0, 303) and not {"code", "message", "request_id"} <= answer.keys():
                found.append(f"the answer is {status}, {answer}")
            if state() not in ((items, objects), (items, {**objects, exported: table})):
                found.append("something else has changed")
            if insist(world, "GET", "/results.csv")[0] != 303 or state()[1][exported] != table:
                found.append("the table is not there")
            yield fault, "sent again", found

    check(calls, trials())
