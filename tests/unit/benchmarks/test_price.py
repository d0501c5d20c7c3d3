import pytest

from benchmarks import handlers, price
from benchmarks.contestants import FLOOR
from benchmarks.section import Section
from deploy.costs import PriceList


def test_costs_follow_from_time_memory_and_prices() -> None:
    section = Section("", "", handlers.COLUMNS)
    section.add("Negatoscope", 0.3, 0.5, 1.2, 12.0, None, 1.1, 120.0, 174.0, "5, 200")
    section.add(FLOOR, 0.3, 0.4, 1.0, 10.0, None, 1.0, 100.0, 130.0, "5, 200")
    section.add("large", 5.0, 9.0, 9.0, 100.0, None, 9.0, 3538.0, 1500.0, "5, 200")
    section.missing("Keras", "it is not installed")
    prices = PriceList()
    found = price.section_of(section, prices)
    ours, _, large = found.rows
    warm = 1000 * 0.012 * 1769 / 1024
    expected = warm * prices["lambda_gb_second"] + 1000 * prices["lambda_request"]
    assert ours[1:4] == [1769, pytest.approx(warm), pytest.approx(expected)]
    assert ours[4] == pytest.approx(1000 * 0.5 * 1769 / 1024)
    assert found.rows[1][-1] == 1
    assert large[1:3] == [3538, pytest.approx(1000 * 0.1 * 3538 / 1024)]
    assert len(found.rows) == 3
    assert "`make cost` counts $0." in found.remarks[0]
