"""Results as a table, within the limits of a Lambda."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from itertools import count
from typing import Any, cast

import pytest

from chalicelib import timestamps
from chalicelib.api import export
from chalicelib.errors import ExportTooLarge
from chalicelib.results import result_document
from chalicelib.results.reading import Review
from chalicelib.results.result_document import Result, Source
from chalicelib.tasks import load_task


class Bucket:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: dict[str, bytes] = {}

    def write(self, key: str, body: Any, content_type: str) -> None:
        assert content_type == export.CONTENT_TYPE
        self.written[key] = body.read()

    def presign_download(self, key: str, filename: str) -> str:
        return f"https://bucket/{key}?{filename}"


def result(number: int = 0, comment: str | None = None) -> Result:
    review: Review = {"label": "a", "comment": comment, "reviewed_at": timestamps.now(), "reviewer": "me"}
    return result_document.received(f"{number:032x}", "chest-xray", "api") | {"review": review}


REVIEW: Review = {"label": "normal", "comment": "=1", "reviewed_at": "then", "reviewer": "me"}


def rows(table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(table, newline="")))


def exported(comment: str) -> str:
    answer = export.answer([[result(comment=comment)]], None, Bucket())  # type: ignore[arg-type]
    return rows(answer.body)[0]["comment"]


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "＋1", "－1", "＠SUM(A1)"])
@pytest.mark.parametrize(
    "before",
    ["", " ", "\t", "\r", "\n", "\r\n", " \n ", *"\u00a0\u3000\ufeff\u200b\x00\u2028"],
)
def test_export_turns_formulas_into_text(formula: str, before: str) -> None:
    assert exported(before + formula) == f"'{before}{formula}"


@pytest.mark.parametrize("formula", ["\u22121", "\ufe621", "\ufe631", "\ufe661", "\ufe6bx", "\u207a1"])
def test_export_recognizes_small_and_raised_forms_of_operators(formula: str) -> None:
    assert exported(formula).startswith("'")


@pytest.mark.parametrize("start", ["\t", "\r", "\n"])
def test_export_turns_leading_tabs_and_line_breaks_into_text(start: str) -> None:
    assert exported(f"{start}x") == f"'{start}x"


@pytest.mark.parametrize("plain", ["x", "1", "a=b", " x", "é", "“quoted”", "a\nb", "'=1"])
def test_export_keeps_other_text(plain: str) -> None:
    assert exported(plain) == plain


def table_of(task: str | None, exported: Result) -> dict[str, str]:
    (row,) = rows(export.answer([[exported]], task, Bucket()).body)  # type: ignore[arg-type]
    return row


def test_export_has_the_probability_of_every_class() -> None:
    classes = load_task("chest-xray").class_names
    probabilities = dict(zip(classes, (0.5, 0.25, 0.25), strict=True))
    classified = result() | {"probabilities": probabilities, "distance": 1.5}

    row = table_of("chest-xray", classified)
    assert {name: float(row[f"probability:{name}"]) for name in classes} == probabilities
    assert row["distance"] == "1.5"
    assert sum(name.startswith("probability:") for name in row) == len(classes)

    mixed = table_of(None, classified)
    assert [mixed[f"probability:{name}"] for name in classes] == ["0.5", "0.25", "0.25"]
    assert mixed["probability:left-cc"] == ""


def test_export_has_the_size_of_the_image() -> None:
    row = table_of(None, result() | {"source": {"format": "PNG", "rows": 600, "columns": 300}})

    assert (row["rows"], row["columns"], row["pixel_spacing"]) == ("600", "300", "")


def test_export_has_the_spacing_of_rows_and_of_columns() -> None:
    spaced: Source = {"format": "DICOM", "rows": 600, "columns": 300, "pixel_spacing": [0.15, 0.1]}
    assert table_of(None, result() | {"source": spaced})["pixel_spacing"] == "0.15 0.1"


def test_export_has_all_readings() -> None:
    both = result() | {"readings": [REVIEW, REVIEW | {"reviewer": "you"}]}
    assert json.loads(table_of(None, both)["readings"]) == both["readings"]

    earlier = {name: value for name, value in both.items() if name != "readings"} | {"review": REVIEW}
    assert json.loads(table_of(None, cast(Result, earlier))["readings"]) == [REVIEW]


def test_export_says_which_review_was_blind_and_where_readers_disagree() -> None:
    assert table_of(None, result() | {"review": None})["blind"] == ""
    seen, unseen = (
        table_of(None, result() | {"review": review}) for review in (REVIEW, REVIEW | {"blind": True})
    )
    assert (seen["blind"], unseen["blind"]) == ("false", "true")
    assert (seen["disagreement"], table_of(None, result() | {"disagreement": True})["disagreement"]) == (
        "false",
        "true",
    )


def test_export_writes_large_tables_into_the_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MAX_INLINE_BYTES", 2000)
    bucket = Bucket()
    pages = [[result(10 * page + row) for row in range(10)] for page in range(10)]

    answer = export.answer(pages, "chest-xray", bucket)  # type: ignore[arg-type]

    assert answer.status_code == 303
    ((key, table),) = bucket.written.items()
    assert answer.headers["Location"] == f"https://bucket/{key}?negatoscope-chest-xray.csv"
    assert [row["id"] for row in rows(table.decode())] == [f"{number:032x}" for number in range(100)]


def test_export_stops_in_time_if_all_pages_are_empty() -> None:
    """A filter can leave page after page empty."""
    seconds = count()

    def pages() -> Iterator[list[Result]]:
        while True:
            yield []

    with pytest.raises(ExportTooLarge, match="POST /exports"):
        export.answer(pages(), None, Bucket(), lambda: next(seconds))  # type: ignore[arg-type]
    assert next(seconds) < 2 * export.MAX_SECONDS


def test_export_limits_the_size_of_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MAX_TABLE_BYTES", 50_000)
    bucket = Bucket()

    with pytest.raises(ExportTooLarge, match=r"more than [0-9,]+ rows"):
        export.answer(([result(number)] for number in count()), None, bucket)  # type: ignore[arg-type]
    assert bucket.written == {}
