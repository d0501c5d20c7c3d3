"""Results of earlier versions are added to the index by probability."""

import pytest

from chalicelib.results.selection import Selection
from deploy import restore, result_index
from tests.stage import BUCKET, TABLE
from tests.unit.results.items import classified

pytestmark = pytest.mark.usefixtures("cloud")


def test_complete_adds_what_the_index_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    _, table = restore.connect(BUCKET, TABLE)
    for number in range(3):
        table.finish(classified(number))
    table._table.update_item(Key={"id": f"{1:032x}"}, UpdateExpression="REMOVE indexed_probability")

    for _ in range(2):
        result_index.complete(table)

    assert len(list(table.every(Selection(task="mammography-views", order="least-sure")))) == 3
    said = capsys.readouterr().out
    assert "1 results of earlier versions added" in said
    assert said.rstrip().endswith("complete")
