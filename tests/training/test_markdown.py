"""Numbers and tables in Markdown."""

from training.core.markdown import fraction, percent, table


def test_numbers_are_rounded_to_significant_places() -> None:
    interval = {"value": 0.99738, "low": 0.99182, "high": 1.0}

    assert percent(interval) == "99.7 % (99.2 to 100.0)"
    assert fraction(interval) == "0.997 (0.992 to 1.000)"


def test_table_escapes_vertical_bars() -> None:
    assert table(("a", "b"), [("x|y", 1)]) == "| a | b |\n| --- | --- |\n| x\\|y | 1 |"
