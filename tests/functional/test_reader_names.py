"""Readers have names in readings and in the agreement; logs and the audit record have ids only."""

import json

import pytest

from chalicelib import dependencies
from chalicelib.results.reading import Review
from tests.functional.conftest import REAL, as_member
from tests.models import TASK

NAME = "ada.lovelace"
"""Of the member in `as_member`."""
GROUPS = "reader,reviewer,admin"


@pytest.mark.usefixtures("stocked", "_login")
def test_reading_has_the_name_of_its_reader(capsys: pytest.CaptureFixture[str]) -> None:
    label = as_member(GROUPS, "GET", "/results/{id}", id=REAL["id"])[1]["label"]
    path = "/results/{id}/review"
    status, result = as_member(GROUPS, "PUT", path, {"label": label}, id=REAL["id"])
    assert status == 200
    assert (result["review"]["reviewer"], result["review"]["reviewer_name"]) == ("4711", NAME)

    _, agreement = as_member(GROUPS, "GET", "/tasks/{task}/agreement", task=TASK)
    assert agreement["names"] == {"4711": NAME}
    _, found = as_member(GROUPS, "GET", "/results", None, {"search": "Ada.Lovelace"})
    assert [each["id"] for each in found["results"]] == [REAL["id"]]

    _, entries = as_member(GROUPS, "GET", "/audit")
    assert NAME not in json.dumps(entries)
    assert NAME not in "".join(capsys.readouterr())


@pytest.mark.usefixtures("stocked", "_login")
def test_reading_of_an_earlier_version_has_none() -> None:
    old: Review = {
        "label": "left-cc",
        "comment": None,
        "reviewed_at": "2026-01-01T00:00:00.000000Z",
        "reviewer": "4711",
    }
    dependencies.decisions().review(REAL["id"], lambda result: result | {"review": old, "readings": [old]})

    assert as_member(GROUPS, "GET", "/results/{id}", id=REAL["id"])[1]["review"] == old
