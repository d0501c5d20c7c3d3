"""Reading for as long as there is time."""

from collections.abc import Iterator

import pytest

from chalicelib.api.export import MAX_SECONDS
from chalicelib.api.timed_reading import Page, read_in_time


@pytest.mark.parametrize(
    ("seconds_per_page", "read", "complete"),
    [
        (0.0, 3, True),
        (MAX_SECONDS / 3, 3, True),
        (MAX_SECONDS / 2 + 1, 1, False),
        (MAX_SECONDS + 1, 0, False),
    ],
)
def test_pages_are_read_until_the_time_is_over(seconds_per_page: float, read: int, complete: bool) -> None:
    now = 0.0
    added: list[Page] = []

    def pages() -> Iterator[Page]:
        nonlocal now
        for _ in range(3):
            now += seconds_per_page
            yield []

    assert read_in_time(pages(), added.append, lambda: now) == complete
    assert len(added) == read
