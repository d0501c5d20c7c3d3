"""Invariants of a stage at rest, checked by its bucket and its table alone."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from chalicelib.results import result_document
from chalicelib.results.table import ResultsTable
from chalicelib.storage import inbox

READERS = 8

type Found = Iterator[tuple[str, str]]
"""A problem, and the id or key that it is about."""


@dataclass
class Stage:
    """A stage in an account. `s3` is a boto3 client, `dynamodb` a boto3 service resource."""

    s3: Any
    dynamodb: Any
    bucket: str
    table: str
    ignored: frozenset[str] = frozenset()
    """The ids of earlier images."""
    objects: dict[str, str] = field(init=False)
    """Keys and ETags of the bucket."""
    items: dict[str, dict[str, Any]] = field(init=False)
    """The stored items of the table, by id."""

    def look(self) -> None:
        """Read bucket and table."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        entries = (entry for page in pages for entry in page.get("Contents", ()))
        self.objects = {entry["Key"]: entry["ETag"].strip('"') for entry in entries}
        self.items = {item["id"]: item for item in self._scan() if item["id"] not in self.ignored}

    def _scan(self) -> Iterator[dict[str, Any]]:
        table = self.dynamodb.Table(self.table)
        start: dict[str, Any] = {}
        while True:
            page = table.scan(ConsistentRead=True, **start)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def read(self, key: str) -> Any:
        """A JSON document of the bucket; None if there is none."""
        if key not in self.objects:
            return None
        return json.loads(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())


def unfinished(stage: Stage, arrived: Mapping[str, str]) -> set[str]:
    """The ids of images that arrived and have no final result."""
    return {
        image_id
        for image_id in arrived
        if stage.items.get(image_id, {}).get("status") not in result_document.FINISHED
    }


def problems(stage: Stage, arrived: Mapping[str, str]) -> list[str]:
    """Every way in which the stage is not whole, each with how often and the first ones; none if it is.

    Args:
        stage: which has been looked at with nothing under way.
        arrived: the key by id of everything that was put into the inbox; "" for what came by the API.
    """
    by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, where in _all(stage, arrived):
        by_kind[kind].append(where)
    return [f"{len(where)} x {kind} ({', '.join(where[:3])})" for kind, where in sorted(by_kind.items())]


def _all(stage: Stage, arrived: Mapping[str, str]) -> Found:
    for image_id in arrived.keys() - stage.items.keys():
        yield "an image that arrived has no result", image_id
    for image_id in stage.items.keys() - arrived.keys():
        yield "a result of nothing that arrived", image_id
    yield from _strays(stage)
    table = ResultsTable(stage.dynamodb, stage.table)
    with ThreadPoolExecutor(READERS) as readers:
        for found in readers.map(lambda item: list(_of_item(stage, table, item)), stage.items.values()):
            yield from found
    for image_id, key in arrived.items():
        if key and image_id in stage.items:
            yield from _of_original(stage, stage.items[image_id], key)


def _strays(stage: Stage) -> Found:
    for key in stage.objects:
        folder, _, rest = key.partition("/")
        if folder in ("prepared", "results", "quarantine"):
            image_id = rest.split("/")[1].split(".")[0]
            if image_id not in stage.items and image_id not in stage.ignored:
                yield f"{folder}/ holds something of an image without a result", image_id


def _of_item(stage: Stage, table: ResultsTable, item: dict[str, Any]) -> Found:
    image_id = item["id"]
    status = item.get("status")
    if status not in result_document.FINISHED:
        yield f"a result is {status}", image_id
        return
    result = table.get(image_id)
    document = stage.read(result_document.key(result))
    if document is None:
        yield "a finished result has no JSON", image_id
    elif document != result:
        yield "the JSON differs from the result", image_id
    folder = f"quarantine/{result['task']}/{image_id}"
    if status == result_document.CLASSIFIED:
        if inbox.prepared_key(result["task"], image_id) not in stage.objects:
            yield "a classified image has no array", image_id
        picture = result["picture"]
        if not picture or inbox.picture_key(result["task"], image_id, picture["sha256"]) not in stage.objects:
            yield "a classified image has no display picture", image_id
        if f"{folder}.json" in stage.objects:
            yield "a classified image is in quarantine, too", image_id
    elif stage.read(f"{folder}.json") != {"reasons": result["reasons"]}:
        yield "a quarantined file has not the reason of its result beside it", image_id


def _of_original(stage: Stage, item: Mapping[str, Any], key: str) -> Found:
    quarantined = item.get("status") == result_document.QUARANTINED
    if quarantined and key in stage.objects:
        yield "a quarantined file is still in the inbox", item["id"]
    folder = f"quarantine/{item['task']}/{item['id']}/"
    if quarantined and not any(kept.startswith(folder) for kept in stage.objects):
        yield "a quarantined file is gone", item["id"]
    if not quarantined and key not in stage.objects:
        yield "the original of an image is gone", item["id"]
