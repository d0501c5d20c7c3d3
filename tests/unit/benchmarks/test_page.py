from benchmarks.page import Line


def test_line_says_when_its_limit_is_exceeded() -> None:
    assert str(Line("first view", 150, "kB", 150)).endswith("150 kB  (at most 150)")
    assert str(Line("first view", 151, "kB", 150)).endswith("TOO MUCH")
