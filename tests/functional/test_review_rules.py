"""From a changed review rule to the answers that it marks."""

from pathlib import Path
from typing import Any

import pytest

from chalicelib import dependencies
from chalicelib.models.classifier import Classifier
from tests import images
from tests.functional.conftest import CELL, Call
from tests.functional.test_openapi import schema
from tests.models import METRICS, TASK, VERSION, write_package

PATH = f"/tasks/{TASK}/review-rule"


@pytest.fixture(autouse=True)
def good_model(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that passes its gate, so that not all of its answers need a review."""
    good = {"test": {name: {"value": 1.0, "low": 1.0, "high": 1.0} for name in METRICS}}
    write_package(tmp_path / "good" / TASK, cell=CELL, metrics=good)
    classifier = Classifier({}, lambda: None, tmp_path / "good", rules=dependencies.review_rules())
    monkeypatch.setattr(dependencies, "classifier", lambda: classifier)


def change(call: Call, **body: Any) -> Any:
    response = call("PUT", PATH, json={"version": VERSION} | body)
    assert response.status_code == 200, response.json_body
    schema("/tasks/{task}/review-rule", "PUT", 200).validate(response.json_body)
    return response.json_body


def classify(call: Call, height: int) -> Any:
    image = images.grey_file(height=height, width=32)
    return call("POST", f"/tasks/{TASK}/classify", image, Content_Type="image/png").json_body


def reasons(result: Any) -> list[str]:
    return [reason["code"] for reason in result["reasons"]]


def test_changed_rule_judges_new_answers(call: Call) -> None:
    before = classify(call, 40)
    assert (reasons(before), before["model"]["min_probability"]) == ([], 0.9)
    changed = change(call, min_probability=1)
    assert (changed["own"], changed["changed_by"]) == (0.9, "local")
    assert call("GET", PATH).json_body == changed
    (model,) = [task["model"] for task in call("GET", "/tasks").json_body["tasks"] if task["name"] == TASK]
    assert model["min_probability"] == 1

    after = classify(call, 41)

    assert (reasons(after), after["model"]["min_probability"]) == (["low-confidence"], 1)
    assert "results below 100.0% need review" in after["reasons"][0]["message"]
    assert call("GET", f"/results/{before['id']}").json_body == before
    change(call, min_probability=None, seen=changed["changed_at"])
    assert reasons(classify(call, 42)) == []
    entries = call("GET", "/audit").json_body["entries"]
    acts = [entry["details"] for entry in entries if entry["act"] == "change-review-rule"]
    assert [(act["former"], act["min_probability"]) for act in acts] == [("1.0", "own"), ("own", "1.0")]


def test_refused_change_says_why(call: Call) -> None:
    for body, status, code in (
        ({"version": VERSION, "min_probability": 90}, 400, "InvalidRequest"),
        ({"version": "older", "min_probability": 0.5}, 409, "ModelChanged"),
        ({"version": VERSION, "min_probability": 0.5, "seen": "2026"}, 409, "ReviewRuleChanged"),
    ):
        response = call("PUT", PATH, json=body)
        assert (response.status_code, response.json_body["code"]) == (status, code)
    assert call("GET", PATH).json_body["changed_at"] is None
