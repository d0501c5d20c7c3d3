"""From query parameters to selections of results."""

from datetime import datetime, timedelta

import pytest

from chalicelib.api import queries
from chalicelib.errors import InvalidRequest, NotAllowed, UnknownTask
from chalicelib.results.selection import ALL, Selection
from chalicelib.tasks import load_task

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def test_no_parameters_select_everything() -> None:
    assert queries.selection({}, ["reader"]) == ALL


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (["reader", "reader:chest-xray"], ALL),
        (["reader:chest-xray"], Selection(task="chest-xray")),
        (["reader:chest-xray", "reviewer:feet"], Selection(tasks=("chest-xray", "feet"))),
        (["reader:feet"], Selection(tasks=("feet",))),
        ([], Selection(tasks=())),
    ],
)
def test_only_tasks_that_the_user_may_see_are_selected(groups: list[str], expected: Selection) -> None:
    assert queries.selection({}, groups) == expected


def test_every_parameter_becomes_a_filter() -> None:
    query = {
        "task": "chest-xray",
        "label": "normal",
        "reviewed_label": "viral-pneumonia",
        "model": "2026.01.01-tiny",
        "status": "classified",
        "needs_review": "true",
        "reviewed": "false",
        "read_by": "ada",
        "not_read_by": "bob",
        "min_readers": "2",
        "disagreement": "true",
        "from": EARLY,
        "to": LATE,
        "search": "motion",
        "order": "least-sure",
        "hidden": "true",
    }
    assert query.keys() == {parameter.name for parameter in queries.SELECTION}
    assert queries.selection(query, ["admin"]) == Selection(
        task="chest-xray",
        label="normal",
        reviewed_label="viral-pneumonia",
        model="2026.01.01-tiny",
        status="classified",
        needs_review=True,
        reviewed=False,
        read_by="ada",
        not_read_by="bob",
        min_readers=2,
        disagreement=True,
        since="2026-01-01T00:00:00.000000Z",
        until="2026-01-02T00:00:00.000000Z",
        search="motion",
        order="least-sure",
        hidden=True,
    )


def test_hidden_results_are_for_admins() -> None:
    for groups in ((), ["reader", "reviewer"]):
        with pytest.raises(NotAllowed):
            queries.selection({"hidden": "true"}, groups)


def test_order_by_probability_needs_a_task() -> None:
    with pytest.raises(InvalidRequest, match="needs 'task'"):
        queries.selection({"order": "most-sure"}, ["reader"])


def test_unknown_task_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownTask, match="chest-xray"):
        queries.selection({"task": "feet"}, ["reader"])


@pytest.mark.parametrize(
    ("since", "until"), [(EARLY, EARLY), (LATE, EARLY), (LATE, "2026-01-02T01:00:00+01:00")]
)
def test_times_must_be_in_order(since: str, until: str) -> None:
    with pytest.raises(InvalidRequest, match="'to' must be later than 'from'"):
        queries.selection({"from": since, "to": until}, ["reader"])
    with pytest.raises(InvalidRequest, match="'to' must be later than 'from'"):
        queries.statistics(load_task("chest-xray"), {"from": since, "to": until})


def test_statistics_are_of_classified_images() -> None:
    model, wanted = queries.statistics(load_task("chest-xray"), {"model": "1", "from": EARLY})
    assert (model, wanted) == (
        "1",
        Selection(task="chest-xray", status="classified", since="2026-01-01T00:00:00.000000Z"),
    )


def test_page_has_a_default_length_and_begins_at_the_start() -> None:
    assert queries.page({}, queries.RESULTS_PER_PAGE) == (50, None)
    assert queries.page({"limit": "7", "cursor": "x"}, queries.RETRAININGS_PER_PAGE) == (7, "x")
    with pytest.raises(InvalidRequest, match="'cursor' is missing or blank"):
        queries.page({"cursor": ""}, queries.RESULTS_PER_PAGE)


def test_access_log_is_that_of_the_day_before_its_end() -> None:
    since, until, _ = queries.logged({"to": "2026-03-01T12:00:00Z"})
    assert (since, until) == ("2026-02-28T12:00:00.000000Z", "2026-03-01T12:00:00.000000Z")

    since, until, _ = queries.logged({})
    assert datetime.fromisoformat(until) - datetime.fromisoformat(since) == timedelta(days=1)
    # CloudWatch refuses earlier times.
    assert queries.logged({"to": "1970-01-01T12:00:00Z"})[0] == "1970-01-01T00:00:00.000000Z"
    for wrong in (
        {"from": "2026-03-01T12:00:00Z", "to": "2026-03-01T12:00:00Z"},
        {"from": "2099-01-01T00:00:00Z"},
    ):
        with pytest.raises(InvalidRequest, match="'to' must be later"):
            queries.logged(wrong)
