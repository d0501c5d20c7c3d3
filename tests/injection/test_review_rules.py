"""Changes of a review rule in which each call fails in turn."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib import dependencies
from chalicelib.models.classifier import Classifier
from chalicelib.models.review_rules import KEY
from tests.injection.conftest import NewWorld
from tests.injection.faults import KILLS, faults
from tests.injection.test_images import Trial, check
from tests.injection.test_uploads_and_exports import insist
from tests.injection.world import World
from tests.models import METRICS, TASK, VERSION, write_package
from tests.stage import BUCKET

PATH = "/tasks/{task}/review-rule"
BODY = {"version": VERSION, "min_probability": 0.6}


@pytest.fixture
def new_stage(new_world: NewWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewWorld:
    """A stage whose model passes its gate."""
    good = {"test": {name: {"value": 1.0} for name in METRICS}}
    write_package(tmp_path / "good" / TASK, metrics=good)

    def make() -> World:
        world = new_world()
        dependencies.review_rules.cache_clear()
        classifier = Classifier({}, lambda: None, tmp_path / "good", rules=dependencies.review_rules())
        monkeypatch.setattr(dependencies, "classifier", lambda: classifier)
        return world

    return make


def stored() -> dict[str, Any]:
    s3 = dependencies.bucket()._client
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())]
    return {key: json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys}


def problems(*, must_be_made: bool) -> list[str]:
    """Whether the change was made as a whole or not at all, and is in the audit record."""
    objects = stored()
    rules, acts = objects.pop(KEY, None), list(objects.values())
    if any(act["details"] != {"version": VERSION, "min_probability": "0.6", "former": "own"} for act in acts):
        return [f"the audit record says {acts}"]
    if rules is None:
        return ["the rule was not changed"] if must_be_made else []
    found = [] if rules[TASK][VERSION]["min_probability"] == 0.6 else [f"the rules are {rules}"]
    return found if acts else [*found, "the change is not in the audit record"]


def test_change_of_a_review_rule_recovers(new_stage: NewWorld) -> None:
    world = new_stage()
    status, answer = world.ask("PUT", PATH, BODY, task=TASK)
    calls = len(world.last_calls)
    assert (status, answer["min_probability"]) == (200, 0.6)
    assert problems(must_be_made=True) == []

    def trials() -> Iterator[Trial]:
        for fault in faults(calls):
            world = new_stage()
            status, _ = insist(world, "PUT", PATH, BODY, fault, task=TASK)
            found = problems(must_be_made=True)
            yield fault, "sent again", found if status == 200 else [*found, f"the answer is {status}"]
            if fault.kind in KILLS:
                world = new_stage()
                world.ask("PUT", PATH, BODY, fault, task=TASK)
                yield fault, "given up", problems(must_be_made=False)

    check(calls, trials())
