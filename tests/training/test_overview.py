"""The overview of all models."""

from pathlib import Path
from typing import Any

import pytest

from chalicelib.tasks import load_task
from tests.training.assessments import make_assessment, model_facts
from training.core.facts import write_json
from training.reports.overview import main, render_overview


@pytest.fixture
def models() -> list[dict[str, Any]]:
    tasks = [load_task(name) for name in ("chest-xray", "mammography-views")]
    return [model_facts(task, make_assessment(task)) for task in tasks]


def test_overview_has_a_row_per_model_and_per_finding(models: list[dict[str, Any]]) -> None:
    results, findings = render_overview(models).split("\n\n")

    assert [line.split(" | ")[0] for line in results.splitlines()[2:]] == [
        "| `chest-xray`",
        "| `mammography-views`",
    ]
    assert [line.split(" | ")[0] for line in findings.splitlines()[2:]] == ["| `chest-xray`"]


def test_overview_reads_seeds_of_packages_of_release_0_1(models: list[dict[str, Any]]) -> None:
    rendered = render_overview(models)
    for model in models:
        model["training"]["repeats"] = model["training"].pop("seeds")

    assert render_overview(models) == rendered


def test_overview_summarises_seeds_and_ood_auroc(models: list[dict[str, Any]]) -> None:
    models[0]["metrics"]["unfamiliar"] = {
        "cats": {"images": 7, "auroc": 0.99, "flagged": 0.9, "auroc_unseen": 0.8},
        "dogs": {"images": 7, "auroc": 0.98, "flagged": 0.9, "auroc_unseen": 0.95},
    }

    chest, mammography = render_overview(models).splitlines()[2:4]

    assert "| 150 images, 50 groups |" in chest
    assert "| 80.5 % (80.0 to 81.0) |" in chest
    assert "| 0.980 (held out: 0.800) |" in chest
    assert "| not measured |" in mammography


def test_overview_names_metrics_below_the_gate(models: list[dict[str, Any]]) -> None:
    task = load_task("chest-xray")
    test = models[0]["metrics"]["test"]
    test |= {name: {"value": least, "low": 0.0, "high": 1.0} for name, least in task.gate.items()}
    assert render_overview(models).splitlines()[2].endswith("| passes |")

    test["auc"]["value"] = 0.5

    assert render_overview(models).splitlines()[2].endswith("| auc 0.500 (at least 0.950) |")


def test_overview_computes_f1_as_the_harmonic_mean(models: list[dict[str, Any]]) -> None:
    models[0]["metrics"]["test"]["finding"]["precision"]["value"] = 0.9
    models[0]["metrics"]["test"]["finding"]["sensitivity"]["value"] = 0.6

    assert "| 72.0 % |" in render_overview(models)


def test_command_prints_the_overview_of_a_folder(
    models: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for model in models:
        (tmp_path / model["task"]).mkdir()
        write_json(tmp_path / model["task"] / "model.json", model)

    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == render_overview(models)


def test_command_reports_a_folder_without_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert f"there is no model in '{tmp_path}'" in capsys.readouterr().err
