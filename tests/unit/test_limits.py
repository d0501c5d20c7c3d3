"""Patterns of texts, times and path parameters."""

import pytest

from chalicelib import limits


@pytest.mark.parametrize("text", ["", "a", "\t\r\n", "é 日本 \U0001f600", "~\xa0"])
def test_text_may_have_line_breaks_and_every_script(text: str) -> None:
    assert limits.TEXT.fullmatch(text)


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x0b", "\x0c", "\x0e", "\x1f", "\x7f", "\x9f"])
def test_text_may_not_have_control_characters(character: str) -> None:
    assert not limits.TEXT.fullmatch(f"a{character}b")


@pytest.mark.parametrize(
    ("time", "matches"),
    [
        ("2026-11-21T00:00:00Z", True),
        ("2026-11-21T00:00:00.123456+01:00", True),
        ("2026-11-21T00:00:00.1234567Z", False),
        ("2026-11-21T00:00:00", False),
        ("2026-11-21 00:00:00Z", False),
        ("2026-11-21T00:00Z", False),
        ("٢٠٢٦-11-21T00:00:00Z", False),
    ],
)
def test_times_need_an_offset_and_at_most_microseconds(time: str, matches: bool) -> None:
    assert bool(limits.TIME.fullmatch(time)) == matches


@pytest.mark.parametrize(
    ("value", "matches"), [("a-B_9.", True), ("", False), ("a/b", False), ("é", False), ("a b", False)]
)
def test_path_parameters_have_few_characters(value: str, matches: bool) -> None:
    assert bool(limits.PATH_PARAMETER.fullmatch(value)) == matches


def test_default_pages_are_within_their_range() -> None:
    for pages in (limits.RESULTS_PER_PAGE, limits.RETRAININGS_PER_PAGE):
        assert pages.low <= pages.default <= pages.high
