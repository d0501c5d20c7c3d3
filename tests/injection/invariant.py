"""Invariants of a stage at rest, after any faults."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from chalicelib import dependencies
from chalicelib.results import result_document
from chalicelib.results.picture import Picture
from chalicelib.results.result_document import Result
from chalicelib.storage import inbox
from tests.injection.world import World
from tests.stage import BUCKET


def problems(world: World, expected: int, counted: int) -> list[str]:
    """Every way in which the stage is not whole; none if it is.

    Args:
        world: with nothing pending.
        expected: how many results there must be.
        counted: how often, at most, images may have been counted as classified or as quarantined.
    """
    items = dependencies.table()._table.scan()["Items"]
    objects = dict(_objects())
    found = [f"an event is still pending for {function}" for function, _ in world.pending]
    found += [f"an item was updated without a condition: {update}" for update in world.unconditional]
    if len(items) != expected:
        found.append(f"{len(items)} results instead of {expected}")
    for item in items:
        found += _item(item, objects)
    ids = {item["id"] for item in items}
    for key in objects:
        image = key.split("/")[2].split(".")[0] if key.count("/") > 1 else ""
        if key.startswith(("results/", "quarantine/", "prepared/", "pictures/")) and image not in ids:
            found.append(f"{key.split('/')[0]}/ holds something of an image without a result")
    found += _originals(world, items, objects)
    for metric in ("Classified", "Quarantined"):
        if world.counted(metric) > counted:
            found.append(f"{metric} was counted {world.counted(metric)} times")
    return found


def _item(item: dict[str, Any], objects: dict[str, bytes]) -> Iterator[str]:
    if item.get("status") not in result_document.FINISHED:
        yield f"a result has the status {item.get('status')}"
        return
    if "unfinished" in item:
        yield "a finished result is still marked as unfinished"
    result = dependencies.table().get(item["id"])
    document = objects.get(result_document.key(result))
    if document is None:
        yield "a finished result has no JSON"
    elif json.loads(document) != result:
        yield "the JSON differs from the result"
    yield from _files(result, objects)


def _files(result: Result, objects: dict[str, bytes]) -> Iterator[str]:
    folder = f"quarantine/{result['task']}/{result['id']}"
    copies = [key for key in objects if key.startswith(f"{folder}/")]
    if result["status"] == result_document.CLASSIFIED:
        if inbox.prepared_key(result["task"], result["id"]) not in objects:
            yield "a classified image has no array"
        picture = result["picture"]
        if picture is None:
            yield "a classified image has no display picture"
        elif _sha256(objects, result, picture) != picture["sha256"]:
            yield "the display picture is missing or not that of the result"
        yield from _frames(result, objects)
        if copies or f"{folder}.json" in objects:
            yield "a classified image is in quarantine, too"
    elif f"{folder}.json" not in objects:
        yield "a quarantined file has no reason beside it"
    elif json.loads(objects[f"{folder}.json"]) != {"reasons": result["reasons"]}:
        yield "the reason beside a quarantined file is not that of its result"


def _frames(result: Result, objects: dict[str, bytes]) -> Iterator[str]:
    if result["source"] is None or "frames" not in result["source"]:
        return
    kept = result["frames"]
    key = inbox.picture_key(result["task"], result["id"], kept["sha256"]) if kept else ""
    if not kept or key not in objects:
        yield "the list of frames is missing"
        return
    listed = json.loads(objects[key])["frames"]
    if len(listed) != kept["kept"]:
        yield "the list of frames has another length than the result says"
    if any(_sha256(objects, result, one["picture"]) != one["picture"]["sha256"] for one in listed):
        yield "the picture of a frame is missing or not that of the list"


def _sha256(objects: dict[str, bytes], result: Result, picture: Picture) -> str | None:
    content = objects.get(inbox.picture_key(result["task"], result["id"], picture["sha256"]))
    return None if content is None else hashlib.sha256(content).hexdigest()


def _originals(world: World, items: list[dict[str, Any]], objects: dict[str, bytes]) -> Iterator[str]:
    """Whether each file that arrived is in its place and in no other."""
    by_id = {item["id"]: item for item in items}
    for key, body in world.arrived.items():
        original = inbox.InboxObject(BUCKET, key, _etag(body), len(body))
        item = by_id.get(original.id)
        if item is None:
            yield "a file that arrived has no result"
        elif item["status"] == result_document.QUARANTINED:
            if key in objects:
                yield "a quarantined file is still in the inbox"
            folder = f"quarantine/{item['task']}/{item['id']}/"
            if [content for kept, content in objects.items() if kept.startswith(folder)] != [body]:
                yield "the copy of a quarantined file is missing or not the file"
        elif key not in objects:
            yield "the original of an image is gone"


def _etag(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


def _objects() -> Iterator[tuple[str, bytes]]:
    client = dependencies.bucket()._client  # creating a new one would take longer than the check
    for entry in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        if not entry["Key"].startswith("sweep/"):
            yield entry["Key"], client.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
