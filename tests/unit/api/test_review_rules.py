"""What the API shows of review rules, and which changes it refuses."""

from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.api import review_rules
from chalicelib.errors import InvalidRequest, ModelChanged, ReviewRuleFixed, TaskHasNoModel
from chalicelib.models.classifier import Classifier
from chalicelib.models.review_rules import ReviewRules
from chalicelib.storage.audit import Audit
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import EndpointSpec, load_task
from tests.models import METRICS, TASK, VERSION, write_package
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")
TASK_ = load_task(TASK)
GOOD = {name: {"value": 1.0} for name in METRICS}
BAD = {"test": GOOD | {"accuracy": {"value": 0.1}}}


class Stage:
    """A stage with one tiny model."""

    def __init__(self, folder: Path, endpoint: bool = False, **package: Any):
        write_package(folder / TASK, **{"metrics": {"test": GOOD}} | package)
        self.bucket = DataBucket(boto3.client("s3"), BUCKET)
        self.rules = ReviewRules(self.bucket)
        endpoints = {TASK: EndpointSpec("theirs", "image-classification")} if endpoint else {}
        self.classifier = Classifier(endpoints, lambda: None, folder, rules=self.rules)

    def show(self) -> Any:
        return review_rules.show(TASK_, self.classifier, self.rules)

    def change(self, **body: Any) -> Any:
        audit = Audit(self.bucket)
        body = {"version": VERSION} | body
        return review_rules.change(TASK_, body, self.classifier, self.rules, audit, "me")

    def acts(self) -> list[dict[str, str]]:
        """Details of the audit record, oldest first."""
        return [entry["details"] for entry in reversed(Audit(self.bucket).page(10, None)[0])]


def test_change_is_shown_and_recorded(tmp_path: Path) -> None:
    stage = Stage(tmp_path, thresholds={"distance": 200.0, "probability": 0.93})
    own = {"version": VERSION, "min_probability": 0.93, "own": 0.93, "fixed": None}
    assert stage.show() == own | {"changed_by": None, "changed_at": None}

    changed = stage.change(min_probability=0.6)
    assert changed == stage.show()
    assert (changed["min_probability"], changed["own"], changed["changed_by"]) == (0.6, 0.93, "me")
    assert stage.classifier.chosen_probability(TASK_, VERSION) == 0.6

    back = stage.change(min_probability=None, seen=changed["changed_at"])
    assert (back["min_probability"], back["changed_by"]) == (0.93, "me")
    assert stage.classifier.chosen_probability(TASK_, VERSION) is None
    assert stage.acts() == [
        {"version": VERSION, "min_probability": "0.6", "former": "own"},
        {"version": VERSION, "min_probability": "own", "former": "0.6"},
    ]


@pytest.mark.parametrize("value", [0, 1, 0.0, 1.0])
def test_ends_of_the_range_are_accepted(tmp_path: Path, value: float) -> None:
    assert Stage(tmp_path).change(min_probability=value)["min_probability"] == value


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "from 0 to 1"),
        ({"min_probability": 85}, "such as 0.85 for 85 %"),
        ({"min_probability": -0.1}, "from 0 to 1"),
        ({"min_probability": "0.9"}, "from 0 to 1"),
        ({"min_probability": True}, "from 0 to 1"),
        ({"min_probability": 0.9, "version": ""}, "'version' is missing"),
        ({"min_probability": 0.9, "margin": 0.1}, "There is no member 'margin'"),
        ({"min_probability": 0.9, "seen": 7}, "'seen' must be a string"),
    ],
)
def test_wrong_change_is_refused(tmp_path: Path, body: dict[str, Any], message: str) -> None:
    stage = Stage(tmp_path)
    with pytest.raises(InvalidRequest, match=message):
        stage.change(**body)
    assert stage.acts() == []


def test_change_for_another_version_is_refused(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    with pytest.raises(ModelChanged, match=f"{VERSION} is"):
        stage.change(version="older", min_probability=0.9)
    assert stage.acts() == []


@pytest.mark.parametrize(
    ("package", "fixed"),
    [
        ({"metrics": BAD}, "below-gate"),
        ({"thresholds": {"distance": 1.0, "probability": None}}, "no-threshold"),
        ({"endpoint": True}, "unknown-model"),
    ],
)
def test_rule_of_a_model_whose_answers_all_need_review_is_fixed(
    tmp_path: Path, package: dict[str, Any], fixed: str
) -> None:
    stage = Stage(tmp_path, **package)
    assert stage.show()["fixed"] == fixed
    with pytest.raises(ReviewRuleFixed):
        stage.change(min_probability=0.0)
    assert stage.acts() == []


def test_task_without_a_model_has_no_rule(tmp_path: Path) -> None:
    with pytest.raises(TaskHasNoModel):
        review_rules.show(
            load_task("chest-xray"), Stage(tmp_path).classifier, ReviewRules(Stage(tmp_path / "b").bucket)
        )
