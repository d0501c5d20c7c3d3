"""Items of the table, also those of earlier releases."""

import pytest

from chalicelib.results.table import ResultsTable
from tests.unit.results.items import classified

pytestmark = pytest.mark.usefixtures("cloud")


def test_result_without_distance_returns_none(table: ResultsTable) -> None:
    old = classified(1)
    del old["distance"]  # type: ignore[misc]
    table.finish(old)
    assert table.get(old["id"])["distance"] is None
    ((entry,), _) = table.page()
    assert entry["distance"] is None
