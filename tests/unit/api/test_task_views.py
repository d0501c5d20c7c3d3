"""Files about models, and models without a package."""

from typing import Any, cast

import pytest

from chalicelib.api import task_views
from chalicelib.errors import UnknownModel
from chalicelib.models.classifier import Classifier
from chalicelib.models.registry import Registry
from chalicelib.tasks import load_task

TASK = load_task("chest-xray")
INTERVAL = {"value": 0.9, "low": 0.8, "high": 0.95}


class Models:
    """Stands for a classifier."""

    def __init__(self, facts: dict[str, Any] | None, endpoint: str | None = None):
        self._facts, self._endpoint = facts, endpoint

    def endpoint(self, _: object) -> str | None:
        return self._endpoint

    def deployment(self, _: object) -> None:
        return None

    def facts(self, _: object) -> dict[str, Any] | None:
        if self._facts == {}:
            raise UnknownModel("It was deleted.")
        return self._facts

    def shortfall(self, _: object) -> dict[str, float | None]:
        return dict.fromkeys(TASK.gate)

    def chosen_probability(self, _: object, version: str) -> float:
        return {"1": 0.6}[version]


def described(facts: dict[str, Any] | None, endpoint: str | None = None) -> Any:
    return task_views.describe(TASK, cast(Classifier, Models(facts, endpoint)))


@pytest.mark.parametrize("facts", [None, {}], ids=["no model", "deleted model"])
def test_task_without_model_is_listed(facts: dict[str, Any] | None) -> None:
    found = described(facts)
    assert (found["name"], found["model"]) == ("chest-xray", None)
    assert [one["name"] for one in found["classes"]] == list(TASK.class_names)


@pytest.mark.parametrize(
    ("language", "given", "title"),
    [
        ("de", "de", "Bakterielle Pneumonie"),
        ("tlh", "en", "Bacterial pneumonia"),
        (None, "en", "Bacterial pneumonia"),
    ],
)
def test_texts_are_in_the_language_if_the_task_has_it(language: str | None, given: str, title: str) -> None:
    found = task_views.describe(TASK, cast(Classifier, Models(None)), language)
    assert found["language"] == given
    assert found["classes"][1] == {"name": "bacterial-pneumonia", "title": title}
    wording = TASK.translations["de"] if given == "de" else TASK.wording
    lungs = {"black": 0, "white": 70, "center": None, "width": None}
    assert found["windows"][0] == {"name": "lungs", "title": wording.windows["lungs"], **lungs}
    assert (found["title"], found["intended_use"], found["limits"]) == (
        wording.title,
        wording.intended_use,
        list(wording.limits),
    )


def test_endpoint_without_package_has_no_version() -> None:
    model = described(None, "feet")["model"]
    assert (model["backend"], model["endpoint"], model["version"], model["metrics"]) == (
        "endpoint",
        "feet",
        None,
        {},
    )


def test_metrics_are_those_of_the_whole_test() -> None:
    metrics = {
        "test": {"accuracy": INTERVAL, "sensitivity": {"normal": INTERVAL}, "images": 7, "profile": {}}
    }
    model = described({"version": "1", "created_at": "now", "sha256": "0", "metrics": metrics})["model"]
    assert model["metrics"] == {"accuracy": INTERVAL}
    assert model["shortfall"][0] == {"metric": next(iter(TASK.gate)), "value": None,
                                     "least": next(iter(TASK.gate.values()))}  # fmt: skip


class Files:
    """Stands for a registry."""

    def shown(self, task: str, version: str, path: str) -> bytes:
        return f"{task} {version} {path}".encode()

    def archive_link(self, task: str, version: str) -> str:
        return f"https://bucket/{task}/{version}"


@pytest.mark.parametrize(
    ("name", "path", "kind"),
    [
        ("card.md", "card.md", "text/markdown"),
        ("model.json", "model.json", "application/json"),
        ("roc.svg", "plots/roc.svg", "image/svg+xml"),
    ],
)
def test_file_cannot_run_scripts(name: str, path: str, kind: str) -> None:
    answer = task_views.model_file(cast(Registry, Files()), TASK, "1", name)
    assert answer.body == f"chest-xray 1 {path}"
    assert str(answer.headers["Content-Type"]).startswith(kind)
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_package_is_a_link() -> None:
    answer = task_views.model_file(cast(Registry, Files()), TASK, "1", "model.tar.gz")
    assert (answer.status_code, answer.headers) == (303, {"Location": "https://bucket/chest-xray/1"})
