"""The columns of exports, in the code and in the documentation."""

import json
import re
from typing import Any

from chalicelib.exports.columns import ATTRIBUTES, CLASS_COLUMN, COLUMNS, cell, columns, row
from chalicelib.results.result_document import ListedResult
from chalicelib.tasks import load_task
from tests.stage import ROOT
from tests.unit.results.items import REVIEW, classified

EXPECTED = {"text": str, "number": int | float, "integer": int, "boolean": bool}


def test_columns_of_a_task_end_with_its_classes() -> None:
    own = columns("chest-xray")
    assert [*own][: len(COLUMNS)] == [*COLUMNS]
    assert [*own][len(COLUMNS) :] == [
        CLASS_COLUMN.format(name) for name in load_task("chest-xray").class_names
    ]
    assert own.items() < columns(None).items()


def test_values_have_the_kinds_of_their_columns() -> None:
    source = {"format": "DICOM", "rows": 9, "columns": 8, "pixel_spacing": [0.1, 0.2], "modality": "MG"}
    model = {"version": "v", "sha256": "0", "backend": "embedded"}
    whole = classified(
        *(1,),
        review={**REVIEW, "comment": "x", "blind": True},
        source=source,
        model=model,
        distance=2,
        classified_at="2026",
        probabilities={"left-cc": 1, "right-cc": 0},
    )
    found = row(whole)

    missing = {name for name in columns("mammography-views") if found.get(name) is None}
    assert missing == {"laterality", "view_position", "probability:left-mlo", "probability:right-mlo"} | {
        "probability:not-a-mammogram"
    }
    for name, kind in columns("mammography-views").items():
        assert name in missing or isinstance(found[name], EXPECTED[kind]), name


def test_columns_need_no_other_attributes() -> None:
    whole = classified(1, review=REVIEW)
    needed: ListedResult = {name: whole[name] for name in ATTRIBUTES}  # type: ignore[literal-required,assignment]
    names = columns(None)
    assert {name: value for name, value in row(needed).items() if name in names} == {
        name: value for name, value in row(whole).items() if name in names
    }


def test_readings_have_ids_but_no_names() -> None:
    named: Any = {**REVIEW, "reviewer_name": "ada.lovelace"}
    found = row(classified(1, review=named, readings=[named]))
    assert json.loads(str(found["readings"])) == [REVIEW]


def test_cells_write_truth_as_words() -> None:
    assert [cell(value) for value in (True, False, None, 1, "x")] == ["true", "false", None, 1, "x"]


def test_documentation_has_every_column_with_its_kind() -> None:
    page = (ROOT / "docs" / "exports.md").read_text()
    documented = dict(re.findall(r"^\| `([a-z_:A-Z]+)` \| (\w+) \|", page, re.MULTILINE))
    assert documented == {**COLUMNS, "probability:CLASS": "number"}
