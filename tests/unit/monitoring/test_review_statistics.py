"""A model's answers against reviews, held against numbers counted by hand."""

from typing import cast

import pytest

from chalicelib.monitoring.review_statistics import ATTRIBUTES, ReviewComparison
from chalicelib.monitoring.review_statistics_document import ReviewStatistics
from chalicelib.proportion import proportion
from chalicelib.results.result_document import ListedResult
from chalicelib.tasks import load_task

TASK = load_task("chest-xray")
NORMAL, BACTERIAL, VIRAL = TASK.class_names
MONDAY, SUNDAY, NEXT_MONDAY = (f"2026-11-{day}T23:59:59.999999Z" for day in (16, 22, 23))


def answer(
    label: str, reviewed: str | None = None, probability: float = 0.95, **changes: object
) -> ListedResult:
    given = {
        "status": "classified",
        "label": label,
        "probability": probability,
        "needs_review": False,
        "review": reviewed and {"label": reviewed, "comment": None, "reviewed_at": "now", "reviewer": "me"},
        "model": {"version": "2", "sha256": "ab", "backend": "embedded"},
        "created_at": MONDAY,
    }
    assert given.keys() == set(ATTRIBUTES)
    return cast(ListedResult, given | changes)


def compare(*answers: ListedResult, model: str | None = None) -> ReviewStatistics:
    comparison = ReviewComparison(TASK, model)
    comparison.add(answers)
    return comparison.document(complete=True)


def test_confusion_has_a_row_for_each_class_of_the_review() -> None:
    found = compare(
        *[answer(NORMAL, NORMAL)] * 3,
        *[answer(VIRAL, BACTERIAL)] * 2,
        answer(BACTERIAL, BACTERIAL),
        answer(NORMAL, VIRAL),
        answer(VIRAL),
    )
    assert found["classes"] == [NORMAL, BACTERIAL, VIRAL]
    assert found["all"]["confusion"] == [[3, 0, 0], [0, 1, 2], [1, 0, 0]]
    assert (found["all"]["answers"], found["all"]["agreement"]) == (8, proportion(4, 7))
    assert found["models"] == [{"version": "2", "answers": 8, "reviewed": 7}]
    normal, bacterial, viral = found["all"]["per_class"]
    assert (normal["sensitivity"], normal["specificity"]) == (proportion(3, 3), proportion(3, 4))
    assert (bacterial["sensitivity"], bacterial["specificity"]) == (proportion(1, 3), proportion(4, 4))
    assert (viral["sensitivity"], viral["specificity"]) == (proportion(0, 1), proportion(4, 6))
    # Bacterial or viral is a finding, whichever it is.
    finding = found["all"]["finding"]
    assert finding == {"negative": NORMAL, "sensitivity": proportion(3, 4), "specificity": proportion(3, 3)}


def test_task_without_a_negative_class_has_no_finding() -> None:
    comparison = ReviewComparison(load_task("mammography-views"))
    assert comparison.document(complete=True)["all"]["finding"] is None


def test_marked_images_are_counted_separately() -> None:
    marked = [answer(NORMAL, VIRAL, needs_review=True), answer(NORMAL, NORMAL, needs_review=True)]
    found = compare(*marked, answer(NORMAL, NORMAL), answer(NORMAL), answer(NORMAL))
    assert [found[group]["agreement"] for group in ("all", "marked", "unmarked")] == [
        proportion(2, 3),
        proportion(1, 2),
        proportion(1, 1),
    ]
    assert (found["marked"]["answers"], found["unmarked"]["answers"]) == (2, 3)


def test_calibration_compares_probability_and_agreement() -> None:
    found = compare(
        answer(NORMAL, NORMAL, 0.82),
        answer(NORMAL, VIRAL, 0.88),
        answer(NORMAL, NORMAL, 0.9),
        answer(NORMAL, NORMAL, 1.0),
        answer(NORMAL, None, 0.3),
    )["all"]
    assert found["calibration"] == [
        {"low": 0.8, "high": 0.9, "confidence": 0.85, "agreement": proportion(1, 2)},
        {"low": 0.9, "high": 1.0, "confidence": 0.95, "agreement": proportion(2, 2)},
    ]
    assert found["calibration_error"] == pytest.approx((0.35 * 2 + 0.05 * 2) / 4)


def test_weeks_begin_on_monday_in_utc() -> None:
    found = compare(
        answer(NORMAL, NORMAL, created_at=NEXT_MONDAY),
        answer(NORMAL, NORMAL, created_at=SUNDAY),
        answer(NORMAL, VIRAL, created_at=MONDAY),
        answer(NORMAL, created_at="2026-11-30T00:00:00Z"),
    )
    assert found["all"]["weeks"] == [
        {"monday": "2026-11-16", "agreement": proportion(1, 2)},
        {"monday": "2026-11-23", "agreement": proportion(1, 1)},
    ]
    assert found["counted_from"] == MONDAY


def test_probabilities_are_counted_by_hundredths() -> None:
    found = compare(answer(NORMAL, NORMAL, 0.29), answer(NORMAL, VIRAL, 0.299999), answer(NORMAL, None, 1.0))
    counts = found["probabilities"]
    assert [sum(counts[name]) for name in ("answers", "reviewed", "agreed")] == [3, 2, 1]
    assert (counts["answers"][29], counts["reviewed"][29], counts["agreed"][29]) == (2, 2, 1)
    assert (counts["answers"][99], len(counts["answers"])) == (1, 100)


def test_only_the_wanted_version_counts_and_all_are_listed() -> None:
    older = {"version": "1", "sha256": "cd", "backend": "embedded"}
    found = compare(answer(NORMAL, VIRAL), answer(NORMAL), answer(NORMAL, NORMAL, model=older), model="1")
    assert (found["model"], found["all"]["agreement"]) == ("1", proportion(1, 1))
    assert found["models"] == [
        {"version": "2", "answers": 2, "reviewed": 1},
        {"version": "1", "answers": 1, "reviewed": 1},
    ]


def test_classes_that_the_task_no_longer_has_are_left_out() -> None:
    found = compare(answer("fungal", NORMAL), answer(NORMAL, "fungal"), answer(NORMAL, NORMAL))
    assert (found["outdated"], found["all"]["answers"], found["all"]["agreement"]) == (2, 1, proportion(1, 1))


def test_nothing_reviewed_is_no_error() -> None:
    found = compare()
    assert (found["counted_from"], found["models"]) == (None, [])
    assert (found["all"]["agreement"], found["all"]["calibration_error"]) == (proportion(0, 0), None)
