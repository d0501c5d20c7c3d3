"""Progress messages of the commands."""

import pytest

from deploy.progress import say, step


def test_step_is_printed_with_the_time_and_its_details_below(capsys: pytest.CaptureFixture[str]) -> None:
    step("Deploying the page")
    say("3 files are new")

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("[")
    assert first.endswith(" s] Deploying the page")
    assert second == "    3 files are new"
