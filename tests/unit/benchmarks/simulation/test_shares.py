"""Shares of AWS's limits."""

import pytest

from benchmarks.simulation import shares
from benchmarks.simulation.limits import Limits


def test_shares_are_percent_of_the_limits() -> None:
    section = shares.section_of((1.0, 1000.0), 2.0, Limits.read())
    found = {str(name): cells for name, *cells in section.rows}
    assert found["concurrent Lambdas of the account"] == [0.2, 200]
    assert found["writes to the one partition of the lists"] == [pytest.approx(0.3), 300]
    assert found["writes to one of their shards"][1] == pytest.approx(300 / 16)
    assert found["writes to a prefix of the bucket"][1] == pytest.approx(1000 / 3500 * 100)
    assert section.columns == ("", "1 a second", "1,000 a second")
