"""What grows with the stored images."""

import pytest

from benchmarks.section import Cell
from benchmarks.simulation import stored
from deploy.costs import PriceList

PRICES = PriceList()


def rows(images: int) -> dict[str, list[Cell]]:
    return {str(name): cells for name, *cells in stored.section_of(images, PRICES).rows}


def test_numbers_of_ten_million() -> None:
    found = rows(10_000_000)
    assert found["the sweep's pass over the inbox"] == [
        "8.3 hours",
        pytest.approx(0.05),
        "50 sweeps; one pass a day",
    ]
    assert found["classifying them again, 4 parts at a time"][0] == "11.6 days"
    assert found["an export of all results"][0] == "84.0 minutes"
    assert found["keeping them for a month"][2] == "the table has 16 GB, and its indexes 48 GB"
    assert found["`make restore` of the whole table"][2] == "needs 1.0 GB of memory"


def test_dollars_grow_with_the_images_except_those_of_the_stage() -> None:
    one, ten = rows(1_000_000), rows(10_000_000)
    for name, cells in ten.items():
        dollars, fewer = cells[1], one[name][1]
        if dollars is None:
            assert fewer is None
        elif name.startswith(("a month", "all sweeps")):
            assert fewer < dollars < 10 * fewer  # type: ignore[operator]
        else:
            assert dollars == pytest.approx(10 * fewer)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(119, "119 seconds"), (120, "2.0 minutes"), (7200, "2.0 hours"), (864_000, "10.0 days")],
)
def test_durations_have_the_unit_that_people_use(seconds: float, text: str) -> None:
    assert stored.duration(seconds) == text
