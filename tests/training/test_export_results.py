"""The program that writes the file of an export."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from boto3.dynamodb.types import TypeSerializer

from chalicelib.exports.columns import columns
from chalicelib.exports.request import ExportRequest, FileFormat
from chalicelib.results import result_document
from chalicelib.results.selection import Selection
from chalicelib.results.table_item import result_item
from training import export_results
from training.export_results import main

TASK = "chest-xray"
FORMULA = "=1+1"


def classified(number: int, **changes: Any) -> dict[str, Any]:
    received = result_document.received(f"{number:032x}", TASK, "api")
    answer = {"status": "classified", "label": "normal", "probability": number / 8, "distance": 2}
    return result_item(received | answer | changes)  # type: ignore[arg-type]


REVIEW = {"label": "normal", "comment": FORMULA, "reviewed_at": "now", "reviewer": "me", "blind": True}
ITEMS = [classified(number, needs_review=number == 3) for number in range(7)]
ITEMS.append(classified(7, review=REVIEW, readings=[REVIEW], probabilities={"normal": 1}))


def write_table(folder: Path, *files: list[dict[str, Any]]) -> Path:
    """Write what DynamoDB would export, each file with some items."""
    data = folder / "table" / "AWSDynamoDB" / "01693685827463-2d8752fd" / "data"
    data.mkdir(parents=True)
    serialize = TypeSerializer().serialize
    for number, items in enumerate(files):
        with gzip.open(data / f"{number}.json.gz", "wt") as file:
            for item in items:
                typed = {name: serialize(value) for name, value in item.items()}
                file.write(json.dumps({"Item": typed}) + "\n")
    (data.parent / "manifest-summary.json").write_text("{}")
    return folder / "table"


def export(folder: Path, kind: FileFormat, **wanted: Any) -> int:
    """Run the program on the folder `table`; returns the exit status."""
    request = folder / "request.json"
    request.write_text(json.dumps(ExportRequest(Selection(**wanted), kind).to_json()))
    places = {"table": folder / "table", "request": request, "output": folder / "output"}
    return main([word for name, place in places.items() for word in (f"--{name}", str(place))])


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_results, "BATCH", 3)
    monkeypatch.setattr(export_results, "ROW_GROUP", 4)


def test_both_formats_hold_the_same_rows(tmp_path: Path) -> None:
    write_table(tmp_path, ITEMS[:5], [], ITEMS[5:])
    assert export(tmp_path, "csv", task=TASK) == 0
    assert export(tmp_path, "parquet", task=TASK) == 0

    with (tmp_path / "output" / "results.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    table = pq.read_table(tmp_path / "output" / "results.parquet")
    assert [*rows[0]] == table.column_names == [*columns(TASK)]
    for row, other in zip(rows, table.to_pylist(), strict=True):
        for name, value in other.items():
            text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            assert row[name] == text or float(row[name]) == value, name
    assert [row["id"] for row in rows] == [item["id"] for item in ITEMS]
    assert (rows[7]["comment"], rows[7]["blind"], rows[3]["needs_review"]) == (f"'{FORMULA}", "true", "true")
    assert json.loads((tmp_path / "output" / "summary.json").read_text()) == {
        "rows": 8,
        "bytes": (tmp_path / "output" / "results.parquet").stat().st_size,
    }
    groups = pq.ParquetFile(tmp_path / "output" / "results.parquet").metadata.num_row_groups
    assert groups == 2


@pytest.mark.parametrize(("kind", "found"), [("csv", 1), ("parquet", 1)])
def test_only_selected_results_are_written(tmp_path: Path, kind: FileFormat, found: int) -> None:
    write_table(tmp_path, ITEMS)
    assert export(tmp_path, kind, needs_review=True) == 0
    assert json.loads((tmp_path / "output" / "summary.json").read_text())["rows"] == found


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_file_without_rows_has_its_columns(tmp_path: Path, kind: FileFormat) -> None:
    write_table(tmp_path, ITEMS)
    assert export(tmp_path, kind, task=TASK, label="none") == 0
    file = tmp_path / "output" / f"results.{kind}"
    header = file.read_text().strip().split(",") if kind == "csv" else pq.read_schema(file).names
    assert header == [*columns(TASK)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_half_of_a_surrogate_pair_is_replaced(tmp_path: Path, kind: FileFormat) -> None:
    write_table(tmp_path, [classified(1, review=REVIEW | {"comment": "x\ud800"}), classified(2)])
    assert export(tmp_path, kind) == 0
    assert b"x?" in (tmp_path / "output" / f"results.{kind}").read_bytes()


def test_missing_table_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "table").mkdir()
    assert export(tmp_path, "csv") == 1
    assert "There is no exported table" in capsys.readouterr().err


def test_damaged_table_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = write_table(tmp_path, ITEMS).rglob("*.gz")
    file.write_bytes(file.read_bytes()[:-20])
    assert export(tmp_path, "csv") == 1
    assert "cannot be read" in capsys.readouterr().err
