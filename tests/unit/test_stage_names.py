"""What belongs to which stage, and what a stage may be called."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from tests.alarms import TEMPLATE
from tests.cloud import FOUNDATION, RETRAINING, SITE, template
from tests.stage import ROOT


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """.chalice/stage.py as a module."""
    monkeypatch.syspath_prepend(ROOT / ".chalice")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    return import_module("stage")


@pytest.mark.parametrize("name", ["local", "prod", "p", "prod2", "prodeurope1"])
def test_good_names(stages: ModuleType, name: str) -> None:
    stages.check(name)


@pytest.mark.parametrize("name", ["prod-eu", "prod-", "", "2", "Prod", "prod_eu", "prodeuropewest", "prod\n"])
def test_bad_names_are_refused_before_anything_is_done(stages: ModuleType, name: str) -> None:
    with pytest.raises(Exception, match="1 to 11 lower-case letters and digits"):
        stages.check(name)


@pytest.mark.parametrize("path", [FOUNDATION, RETRAINING, SITE, TEMPLATE], ids=lambda path: path.name)
def test_templates_take_the_same_names(stages: ModuleType, path: Path) -> None:
    assert template(path)["Parameters"]["Stage"]["AllowedPattern"] == stages.NAME.pattern


def test_own_resources(stages: ModuleType) -> None:
    names = [
        "negatoscope-prod-chest-xray",
        "negatoscope-prod2-x",
        "my-negatoscope-prod-x",
        "negatoscope-prod",
    ]
    assert stages.own("prod", names) == ["negatoscope-prod-chest-xray"]
