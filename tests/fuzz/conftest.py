"""What the tests of the fuzzer share."""

from collections.abc import Iterator

import pytest

from tests.fuzz.examination import Examiner


@pytest.fixture(scope="session")
def examiner() -> Iterator[Examiner]:
    """The processes that decode."""
    with Examiner() as examiner:
        yield examiner
