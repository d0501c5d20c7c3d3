"""Results in tables that DynamoDB has exported."""

import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from chalicelib.exports.table_export import results
from chalicelib.results.result_document import Result, deleted
from chalicelib.results.selection import ALL, Selection
from chalicelib.results.table import ResultsTable
from chalicelib.results.table_item import result_item
from tests.unit.results.items import REVIEW, classified, result


def exported(items: Iterable[dict[str, Any]]) -> list[str]:
    """The lines of the files."""
    serialize = TypeSerializer().serialize
    lines = ({"Item": {name: serialize(value) for name, value in item.items()}} for item in items)
    return [json.dumps(line, default=_base64) for line in lines]


def _base64(data: bytes) -> str:
    """As DynamoDB writes binary values, such as heat maps."""
    return base64.b64encode(data).decode()


def ids(lines: list[str], selection: Selection = ALL) -> list[int]:
    return [int(one["id"], 16) for one in results(lines, selection)]


def lines_of(*stored: Result) -> list[str]:
    return exported(result_item(one) for one in stored)


@pytest.mark.usefixtures("cloud")
def test_results_are_those_that_lists_have(table: ResultsTable) -> None:
    readings = {"readings": [REVIEW], "readers": ["local"]}
    source = {"format": "DICOM", "rows": 9, "columns": 8, "pixel_spacing": [0.1, 2]}
    for one in (
        result(1),
        classified(2, review=REVIEW, **readings, probabilities={"left-cc": 1, "right-cc": 1e-7}),
        classified(3, source=source, distance=0.25),
    ):
        table.finish(one)
    items = table._table.scan()["Items"]
    needed = [*results(exported(items), ALL)]
    listed = {one["id"]: one for one in table.every()}

    assert len(needed) == 3
    for found in needed:
        own, other = dict(found), dict(listed[found["id"]])
        assert {name: own[name] for name in own if name in other} == {
            name: other[name] for name in other if name in own
        }


def test_hidden_results_are_found_only_if_they_are_wanted() -> None:
    hidden = classified(2, hidden={"by": "me", "at": "now"})
    lines = lines_of(classified(1), hidden, deleted(classified(3)))

    assert (ids(lines), ids(lines, Selection(hidden=True))) == ([1], [2])
    assert ids(lines, Selection(task=hidden["task"], hidden=True)) == [2]


def test_places_of_uploads_have_results_until_they_expire() -> None:
    expired, waiting = (result_item(result(1)) | {"expires_at": time} for time in (1, 2**40))
    assert ids(exported([expired, waiting | {"id": f"{2:032x}"}, {"id": "x", "tries": 1}])) == [2]


@pytest.mark.parametrize(
    "line", ["", "{}", "[]", '{"Item": 1}', '{"Item": {"id": {"B": "eA=="}}}', '{"Item": {"id": {}}}', "{"]
)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # of the parser, too
        list(results([line], ALL))
