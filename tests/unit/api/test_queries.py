"""From query parameters to selections of results."""

import pytest

from chalicelib.api import queries
from chalicelib.errors import InvalidRequest, UnknownTask
from chalicelib.results.selection import ALL, Selection

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def test_no_parameters_select_everything() -> None:
    assert queries.selection({}) == ALL


def test_every_parameter_becomes_a_filter() -> None:
    query = {
        "task": "chest-xray",
        "label": "normal",
        "status": "classified",
        "needs_review": "true",
        "reviewed": "false",
        "from": EARLY,
        "to": LATE,
        "order": "oldest",
    }
    assert query.keys() == {parameter.name for parameter in queries.SELECTION}
    assert queries.selection(query) == Selection(
        task="chest-xray",
        label="normal",
        status="classified",
        needs_review=True,
        reviewed=False,
        since="2026-01-01T00:00:00.000000Z",
        until="2026-01-02T00:00:00.000000Z",
        oldest_first=True,
    )


def test_unknown_task_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownTask, match="chest-xray"):
        queries.selection({"task": "feet"})


@pytest.mark.parametrize(
    ("since", "until"), [(EARLY, EARLY), (LATE, EARLY), (LATE, "2026-01-02T01:00:00+01:00")]
)
def test_times_must_be_in_order(since: str, until: str) -> None:
    with pytest.raises(InvalidRequest, match="'to' must be later than 'from'"):
        queries.selection({"from": since, "to": until})


def test_page_has_a_default_length_and_begins_at_the_start() -> None:
    assert queries.page({}, queries.RESULTS_PER_PAGE) == (50, None)
    assert queries.page({"limit": "7", "cursor": "x"}, queries.RETRAININGS_PER_PAGE) == (7, "x")
    with pytest.raises(InvalidRequest, match="'cursor' is missing or blank"):
        queries.page({"cursor": ""}, queries.RESULTS_PER_PAGE)
