"""How the emulator keeps items."""

from ministack.services import dynamodb

from local.aws.dynamodb import remembering


def test_numbers_are_checked_once_and_as_ministack_checks_them() -> None:
    asked: list[object] = []

    def check(number: object) -> str | None:
        asked.append(number)
        found: str | None = dynamodb._number_error(number)
        return found

    remembered = remembering(check)
    for number in ("0.125", "-1E-130", "1E+200", "x", 5, None, ["1"]):
        assert [remembered(number), remembered(number)] == [dynamodb._number_error(number)] * 2
    assert asked == ["0.125", "-1E-130", "1E+200", "x", 5, 5, None, None, ["1"], ["1"]]
