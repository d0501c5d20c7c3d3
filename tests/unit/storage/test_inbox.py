"""Keys, events and ids."""

import json
from pathlib import Path

import pytest

from chalicelib.storage.inbox import (
    InboxObject,
    event_for,
    event_keys,
    event_objects,
    parse_prepared_key,
    picture_key,
    prepared_key,
    upload_id,
    upload_key,
)
from tests.stage import ROOT

EVENTS = ROOT / "tests/events"


def read(name: str) -> list[InboxObject]:
    return list(event_objects(json.loads((EVENTS / name).read_text())))


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("plain.json", "inbox/mammography-views/case1.jpg"),
        ("spaces.json", "inbox/mammography-views/case 1 left.jpg"),
        ("plus.json", "inbox/mammography-views/a+b=c.jpg"),
        ("unicode.json", "inbox/mammography-views/Müller/日本 é.dcm"),
        ("percent.json", "inbox/mammography-views/100%.jpg"),
    ],
)
def test_keys_are_decoded_as_s3_encodes_them(file: str, key: str) -> None:
    (dropped,) = read(file)
    assert dropped.key == key


def test_every_record_of_an_event_counts() -> None:
    assert len(read("two-records.json")) == 2


def test_test_events_and_folders_are_ignored() -> None:
    assert read("s3-test.json") == []
    assert read("folder.json") == []


def test_empty_file_is_an_arrival() -> None:
    (dropped,) = read("zero-bytes.json")
    assert dropped.size == 0


def dropped(key: str = "inbox/mammography-views/a.jpg", etag: str = "e1", bucket: str = "b") -> InboxObject:
    return InboxObject(bucket, key, etag, 10)


def test_id_is_the_same_for_every_delivery_and_differs_with_place_and_content() -> None:
    assert dropped().id == dropped().id
    others = [
        dropped(key="inbox/mammography-views/b.jpg"),
        dropped(etag="e2"),
        dropped(bucket="c"),
    ]
    assert len({dropped().id, *(other.id for other in others)}) == 4
    assert len(dropped().id) == 32


def test_id_separates_its_parts() -> None:
    assert dropped(bucket="ab", key="c/d/e").id != dropped(bucket="a", key="bc/d/e").id


def test_upload_has_its_announced_id() -> None:
    token = "0123456789abcdef" * 2
    upload = dropped(upload_key("mammography-views", token))
    assert upload.id == upload_id("mammography-views", token)
    assert (upload.channel, upload.task_name) == ("upload", "mammography-views")
    assert dropped().channel == "drop-folder"


@pytest.mark.parametrize(
    ("key", "task", "name"),
    [
        ("inbox/mammography-views/a.jpg", "mammography-views", "a.jpg"),
        ("inbox/mammography-views/2024/May/a.jpg", "mammography-views", "2024/May/a.jpg"),
        ("inbox/a.jpg", "", "a.jpg"),
    ],
)
def test_task_is_the_first_folder(key: str, task: str, name: str) -> None:
    assert (dropped(key).task_name, dropped(key).name) == (task, name)


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: Path(path).stem)
def test_event_for_an_object_announces_it(path: Path) -> None:
    for original in event_objects(json.loads(path.read_text())):
        assert list(event_objects(event_for(original))) == [original]


def test_prepared_keys_are_parsed() -> None:
    key = prepared_key("mammography-views", "0" * 32)
    assert parse_prepared_key(key) == ("mammography-views", "0" * 32)
    assert event_keys(event_for(dropped(key))) == [key]
    with pytest.raises(ValueError, match="not the key"):
        parse_prepared_key("prepared/mammography-views/../../etc.npy")


def test_key_of_a_picture_names_image_and_content() -> None:
    assert picture_key("chest-xray", "a" * 32, "b" * 64) == f"pictures/chest-xray/{'a' * 32}.{'b' * 64}"
