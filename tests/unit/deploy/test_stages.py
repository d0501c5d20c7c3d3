"""What belongs to which stage, and what a stage may be called."""

from pathlib import Path

import pytest

from deploy import stages
from tests.alarms import TEMPLATE
from tests.cloud import FOUNDATION, RETRAINING, SITE, template


@pytest.fixture(autouse=True)
def _emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")


@pytest.mark.parametrize("name", ["local", "prod", "p", "prod2", "prodeurope1"])
def test_valid_stage_names_are_accepted(name: str) -> None:
    stages.check(name)


@pytest.mark.parametrize("name", ["prod-eu", "prod-", "", "2", "Prod", "prod_eu", "prodeuropewest", "prod\n"])
def test_invalid_stage_names_are_refused(name: str) -> None:
    with pytest.raises(Exception, match="1 to 11 lower-case letters and digits"):
        stages.check(name)


@pytest.mark.parametrize("path", [FOUNDATION, RETRAINING, SITE, TEMPLATE], ids=lambda path: path.name)
def test_stage_names_have_the_same_pattern_in_templates(path: Path) -> None:
    assert template(path)["Parameters"]["Stage"]["AllowedPattern"] == stages.NAME.pattern


def test_resources_of_a_stage_are_found_by_prefix() -> None:
    names = [
        "negatoscope-prod-chest-xray",
        "negatoscope-prod2-x",
        "my-negatoscope-prod-x",
        "negatoscope-prod",
    ]
    assert stages.own("prod", names) == ["negatoscope-prod-chest-xray"]
