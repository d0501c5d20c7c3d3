"""Exports of the emulator's DynamoDB."""

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import dynamodb

from local.aws import dynamodb_exports
from local.aws.dynamodb_exports import Exports

TABLE = "negatoscope-exports"
NUMBER = 7
PATCHED = ("_export_table_to_point_in_time", "_describe_export")


class Bucket:
    """Keeps what is uploaded."""

    def __init__(self) -> None:
        self.written: dict[str, bytes] = {}
        self.fails = False

    def upload_fileobj(self, file: Any, bucket: str, key: str) -> None:
        if self.fails:
            raise ValueError("No room.")
        self.written[f"{bucket}/{key}"] = file.read()


def ask(operation: Any, request: dict[str, Any]) -> Any:
    status, _, body = operation(request)
    assert status == 200, body
    return json.loads(body)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """The bucket of an emulator with a table."""
    for name in PATCHED:
        monkeypatch.setattr(dynamodb, name, getattr(dynamodb, name))  # is restored at the end
    bucket = Bucket()
    monkeypatch.setattr(dynamodb_exports, "root_client", lambda *_: bucket)
    monkeypatch.setattr(dynamodb_exports, "ITEMS_PER_FILE", 3)
    monkeypatch.setattr(dynamodb, "_EXPORT_COMPLETE_AFTER_SEC", 0)
    Exports("http://emulator").install()
    key = {"AttributeName": "id", "KeyType": "HASH"}
    definition = {"AttributeName": "id", "AttributeType": "S"}
    table = {"TableName": TABLE, "BillingMode": "PAY_PER_REQUEST"}
    ask(dynamodb._create_table, {**table, "KeySchema": [key], "AttributeDefinitions": [definition]})
    for number in range(NUMBER):
        item = {"id": {"S": str(number)}, "values": {"L": [{"N": "0.5"}, {"NULL": True}]}}
        ask(dynamodb._put_item, {"TableName": TABLE, "Item": item})
    yield bucket
    ask(dynamodb._delete_table, {"TableName": TABLE})


def export(**more: str) -> Any:
    """The description of an export that has ended."""
    arn = dynamodb._tables[TABLE]["TableArn"]
    request = {"TableArn": arn, "S3Bucket": "data", "S3Prefix": "copies/x", "ExportFormat": "DYNAMODB_JSON"}
    started = ask(dynamodb._export_table_to_point_in_time, {**request, **more})["ExportDescription"]
    for _ in range(600):
        found = ask(dynamodb._describe_export, {"ExportArn": started["ExportArn"]})["ExportDescription"]
        if found["ExportStatus"] != "IN_PROGRESS":
            return found
        time.sleep(0.05)
    raise AssertionError("It does not end.")


def test_export_writes_all_items_where_dynamodb_does(bucket: Bucket) -> None:
    found = export()

    assert found["ExportStatus"] == "COMPLETED"
    folder = f"data/copies/x/AWSDynamoDB/{found['ExportArn'].rpartition('/')[2]}/data/"
    assert len(bucket.written) == 3
    assert all(key.startswith(folder) and key.endswith(".json.gz") for key in bucket.written)
    lines = [line for body in bucket.written.values() for line in gzip.decompress(body).splitlines()]
    items = [json.loads(line)["Item"] for line in lines]
    assert sorted(item["id"]["S"] for item in items) == [str(number) for number in range(NUMBER)]
    assert items[0]["values"] == {"L": [{"N": "0.5"}, {"NULL": True}]}


def test_repeated_request_exports_once(bucket: Bucket) -> None:
    first, second = (export(ClientToken="token")["ExportArn"] for _ in range(2))
    assert first == second
    assert len(bucket.written) == 3


def test_export_that_cannot_be_written_fails(bucket: Bucket) -> None:
    bucket.fails = True
    found = export()
    assert (found["ExportStatus"], found["FailureMessage"]) == ("FAILED", "No room.")
