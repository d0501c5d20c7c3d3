"""What is asked of an export, as it is stored."""

import json

from chalicelib.exports.request import ExportRequest
from chalicelib.results.selection import Selection


def test_request_is_read_as_it_was_stored() -> None:
    selection = Selection(task=None, tasks=("a", "b"), reviewed=False, min_readers=2, since="2026")
    request = ExportRequest(selection, "parquet")
    stored = json.dumps(request.to_json())

    read = ExportRequest.parse(stored)
    assert read.filters == request.filters == json.loads(stored)["filters"]
    assert read.filters == {"tasks": ["a", "b"], "reviewed": False, "min_readers": 2, "since": "2026"}
    assert (read.format, read.file) == ("parquet", "results.parquet")
    assert ExportRequest(Selection(), "csv").filters == {}
