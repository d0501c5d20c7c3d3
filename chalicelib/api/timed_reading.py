"""Reads results for as long as API Gateway waits for an answer."""

from collections.abc import Callable, Iterable

from chalicelib.api.export import MAX_SECONDS
from chalicelib.results.result_document import ListedResult

Page = list[ListedResult]


def read_in_time(pages: Iterable[Page], add: Callable[[Page], None], clock: Callable[[], float]) -> bool:
    """Pass pages to `add` for `MAX_SECONDS`; return whether these were all pages.

    Args:
        pages: read from the table one after the other.
        add: takes a page.
        clock: the time in seconds.
    """
    deadline = clock() + MAX_SECONDS
    for page in pages:
        if clock() > deadline:
            return False
        add(page)
    return True
