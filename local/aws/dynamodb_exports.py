"""Exports of the emulator's DynamoDB to S3: ministack describes them, but writes nothing.

Can go when ministack passes tests/unit/local/aws/test_dynamodb_exports.py without it.
"""

import gzip
import json
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from ministack.services import dynamodb

from local.account import root_client
from local.aws import patching
from local.aws.dynamodb import Item, pack

ITEMS_PER_FILE = 50_000
Answer = tuple[int, dict[str, str], bytes]


class Exports:
    """Writes exported tables to S3, in the format and under the keys that DynamoDB uses.

    It writes as root, where DynamoDB writes with the permissions of its caller.
    """

    def __init__(self, aws_url: str) -> None:
        self._aws_url = aws_url
        self._running: dict[str, threading.Thread] = {}
        self._failures: dict[str, str] = {}

    def install(self) -> None:
        """Write what is exported."""
        patching.existing(dynamodb, "_exports")
        patching.existing(dynamodb, "_tables")
        patching.wrap(dynamodb, "_export_table_to_point_in_time", self._starting)
        patching.wrap(dynamodb, "_describe_export", self._describing)

    def _starting(self, export: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
        def export_and_write(request: Any) -> Answer:
            status, headers, body = export(request)
            if status == 200:
                description = json.loads(body)["ExportDescription"]
                arn = description["ExportArn"]
                if arn not in self._running:  # else the request was repeated
                    items = _items(description["TableArn"].rpartition("/")[2])
                    work = threading.Thread(target=self._write, args=(description, items), daemon=True)
                    self._running[arn] = work
                    work.start()
            return status, headers, body

        return export_and_write

    def _describing(self, describe: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
        def describe_what_is_written(request: Any) -> Answer:
            arn = request.get("ExportArn")
            writing = self._running.get(arn)
            if writing and writing.is_alive():
                return _described(arn)
            status, headers, body = describe(request)
            if arn in self._failures:
                return _described(arn, ExportStatus="FAILED", FailureMessage=self._failures[arn])
            return status, headers, body

        return describe_what_is_written

    def _write(self, export: Mapping[str, Any], items: Sequence[Item]) -> None:
        bucket = root_client("s3", self._aws_url)
        export_id = export["ExportArn"].rpartition("/")[2]
        folder = "/".join(filter(None, (export.get("S3Prefix"), "AWSDynamoDB", export_id, "data")))
        left = iter(items)
        try:
            for number in range(len(items) // ITEMS_PER_FILE + 1):
                with tempfile.TemporaryFile() as file:
                    with gzip.open(file, "wt", compresslevel=1) as lines:
                        for item in islice(left, ITEMS_PER_FILE):
                            lines.write(f'{{"Item":{pack(item)}}}\n')
                    file.seek(0)
                    bucket.upload_fileobj(file, export["S3Bucket"], f"{folder}/{number:08}.json.gz")
        except Exception as error:
            self._failures[export["ExportArn"]] = str(error)


def _described(arn: str, **changes: str) -> Answer:
    answer: Answer = dynamodb.json_response({"ExportDescription": {**dynamodb._exports[arn], **changes}})
    return answer


def _items(table: str) -> list[Item]:
    """The items of a table at this moment. They are never changed in place."""
    return [item for items in list(dynamodb._tables[table]["items"].values()) for item in items.values()]
