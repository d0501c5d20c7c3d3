"""What there is to train on, counted from paths and reviews."""

from typing import Any

import pytest

from chalicelib.retraining import training_data
from chalicelib.retraining.repository import empty_record
from chalicelib.retraining.training_data import TrainingDataCounter
from chalicelib.tasks import load_task
from tests.models import TASK
from tests.planning_stage import Stage
from tests.registry import archive

pytestmark = pytest.mark.usefixtures("cloud")
LABEL, OTHER = load_task(TASK).class_names[:2]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def count(stage: Stage, clock: Any = lambda: 0.0) -> Any:
    counter = TrainingDataCounter(stage.bucket, stage.table, stage.registry, stage.repository, clock)
    return counter.count(load_task(TASK))


def store(stage: Stage, *names: str) -> None:
    for name in names:
        stage.bucket.write(name, b"x", "image/png")


def test_images_and_usable_reviews_are_counted_by_class(stage: Stage) -> None:
    stage.bucket.delete(f"datasets/{TASK}/manifest.csv")
    store(stage, f"labelled/{TASK}/{LABEL}/{'0' * 64}.png", f"datasets/{TASK}/elsewhere/c.png")
    stage.review(1, LABEL)
    stage.review(2, OTHER)
    stage.review(3, "a class of long ago")

    found = count(stage)

    in_folders = sum(name in LABEL for name in ("left-cc", "left-cc", "right-cc"))
    assert found["classes"][LABEL] == {
        "images": in_folders + 1,
        "reviews": 1,
        "new_images": in_folders + 1,
        "new_reviews": 1,
    }
    assert (found["total"]["images"], found["total"]["reviews"], found["unplaced"]) == (5, 2, 1)
    assert (found["complete"], found["model"], found["since"]) == (True, None, None)


def test_images_of_a_manifest_have_no_known_class(stage: Stage) -> None:
    found = count(stage)

    assert (found["unplaced"], found["lacking"], found["enough"]) == (3, [], True)
    assert all(counts["images"] == 0 for counts in found["classes"].values())


def test_new_is_what_came_after_the_data_of_the_current_model_were_read(stage: Stage) -> None:
    stage.review(1, LABEL)
    stage.registry.add(TASK, archive("1"), {"origin": "retraining", "run": "run"})
    stage.registry.promote(TASK, "1", None, None)
    record = empty_record("run", "arn", {"task": TASK})
    stage.repository.create(record | {"started_at": "2026-06-01T00:00:00.000000Z"})

    found = count(stage)

    assert (found["model"], found["since"]) == ("1", "2026-06-01T00:00:00.000000Z")
    # moto stores objects now; the review is older.
    assert (found["total"]["new_images"], found["total"]["new_reviews"]) == (3, 0)


def test_enough_is_what_the_split_demands(stage: Stage) -> None:
    task = load_task(TASK)
    stage.bucket.delete(f"datasets/{TASK}/manifest.csv")
    assert count(stage)["enough"] is False
    for name in task.class_names:
        store(stage, *(f"labelled/{TASK}/{name}/{number:064x}" for number in range(3)))
    found = count(stage)
    assert (found["lacking"], found["enough"]) == ([], False), "no class has ten"

    store(stage, *(f"labelled/{TASK}/{LABEL}/{number:064x}" for number in range(10)))
    assert count(stage)["enough"] is True

    stage.bucket.delete(f"labelled/{TASK}/{task.class_names[-1]}/{2:064x}")
    assert count(stage)["lacking"] == [task.class_names[-1]]
    stage.review(1, task.class_names[-1])
    assert count(stage)["lacking"] == []


def test_counting_ends_in_time(stage: Stage) -> None:
    times = iter([0.0, *[training_data.MAX_SECONDS + 1] * 9])

    found = count(stage, lambda: next(times))

    assert found["complete"] is False
    assert found["total"]["images"] <= 1
    assert found["lacking"] == [], "there may be more"
