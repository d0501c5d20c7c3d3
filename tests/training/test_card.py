"""The model card is complete and follows from model.json and the task."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from chalicelib.tasks import load_task, load_tasks
from tests.training.assessments import make_assessment, model_facts
from training.core.facts import write_json
from training.reports.card import main, render_card, write_card


@pytest.fixture(params=["mammography-views", "chest-xray"])
def model(request: pytest.FixtureRequest) -> dict[str, Any]:
    task = load_task(request.param)
    return model_facts(task, make_assessment(task))


def test_card_has_all_facts(model: dict[str, Any]) -> None:
    card = render_card(model)

    assert card.startswith(f"# {model['title']}: model {model['version']}\n\n**{model['disclaimer']}**\n")
    assert model["intended_use"] in card
    assert all(f"- {limit}" in card for limit in model["limits"])
    assert "150 images of 50 groups (patients), none of which was used to train the" in card
    for fact in ("citation", "licence", "origin", "fingerprint"):
        assert model["data"][fact] in card
    assert "- None of these images exists." in card
    assert "| groups (patients) | 50 | 50 | 50 |\n\nThe given split leaks.\n" in card
    assert "200 files listed, 1 left out because they cannot be read, 150 images used" in card
    assert "out-of-distribution images: 12.35, the 99 % quantile of the validation images" in card
    assert "Graph: 1,234,567 bytes" in card
    assert "| 1 (kept) | 14.6 min | 7 | 0.1000 | 90.0 % | 81.0 % | 80.0 % |" in card
    assert "Mean test accuracy over the seeds: 80.5 % (from 80.0 % to 81.0 %)" in card


def test_card_names_metrics_below_the_gate(model: dict[str, Any]) -> None:
    gate = load_task(model["task"]).gate
    test = model["metrics"]["test"]
    test |= {name: {"value": 1.0, "low": 1.0, "high": 1.0} for name in gate}
    assert "does not reach" not in render_card(model)

    test["accuracy"]["value"] = 0.5

    card = render_card(model)
    assert "does not reach the metrics that its task demands: accuracy 0.500 (at least " in card
    assert f"(at least {gate['accuracy']:.3f}).**" in card


@pytest.mark.parametrize(
    ("average", "sentence"),
    [
        ("outputs", "This model averages the answers of the 2 networks"),
        ("weights", "This model has the mean weights of 2 of them"),
    ],
)
def test_card_says_what_is_averaged(model: dict[str, Any], average: str, sentence: str) -> None:
    model["training"]["ensemble_average"] = average
    for seed in model["training"]["seeds"]:
        seed["kept"] = True

    assert sentence in render_card(model)


@pytest.mark.parametrize("validation", ["cross", "rotating"])  # the latter in release 0.1
def test_card_describes_cross_validation(model: dict[str, Any], validation: str) -> None:
    model["training"]["validation"] = validation

    assert "They are 2 networks of a cross-validation: " in render_card(model)


def test_card_reads_seeds_of_packages_of_release_0_1(model: dict[str, Any]) -> None:
    rendered = render_card(model)
    model["training"]["repeats"] = model["training"].pop("seeds")

    assert "### Variation over seeds" in rendered
    assert render_card(model) == rendered


def test_card_names_settings_of_release_0_1_as_today(model: dict[str, Any]) -> None:
    model["training"] |= {"warm_up": 0.2, "views": "one"}

    card = render_card(model)

    assert "| warmup_fraction | 0.2 |" in card
    assert "| tta | none |" in card


def test_card_gives_the_time_of_the_training(model: dict[str, Any]) -> None:
    assert "\n- Training, calibration and tests took 38 minutes\n" in render_card(model)

    del model["training"]["seconds"]
    assert "Training, calibration and tests" not in render_card(model)


def test_card_tables_are_complete(model: dict[str, Any]) -> None:
    for lines in re.findall(r"(?:^\|.*\n)+", render_card(model), re.MULTILINE):
        assert len({line.count(" | ") for line in lines.splitlines()}) == 1
        assert len(lines.splitlines()) > 2


def test_card_reports_out_of_distribution_images(model: dict[str, Any]) -> None:
    assert "## Out-of-distribution" not in render_card(model)

    cats = {"images": 77, "auroc": 0.98765, "flagged": 0.9123, "auroc_unseen": 0.8765}
    model["metrics"]["unfamiliar"] = {"Pictures of cats": cats}

    assert "## Out-of-distribution images" in render_card(model)
    assert "| Pictures of cats | 77 | 0.988 | 91.2 % | 0.876 |" in render_card(model)


def test_card_reads_packages_without_held_out_auroc(model: dict[str, Any]) -> None:
    model["metrics"]["unfamiliar"] = {"cats": {"images": 77, "auroc": 0.98765, "flagged": 0.9123}}

    assert "| cats | 77 | 0.988 | 91.2 % | not measured |" in render_card(model)


def test_card_plots_are_written_beside_it(model: dict[str, Any], tmp_path: Path) -> None:
    write_card(tmp_path, model)

    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"!\[[^]]+\]\((.*)\)", card))
    assert shown == {f"plots/{path.name}" for path in (tmp_path / "plots").iterdir()}
    assert all((tmp_path / name).stat().st_size > 1000 for name in shown)


def test_card_can_be_rendered_again_from_the_package(model: dict[str, Any], tmp_path: Path) -> None:
    write_card(tmp_path / "first", model)
    (tmp_path / "again").mkdir()
    write_json(tmp_path / "again" / "model.json", model)

    assert main([str(tmp_path / "again")]) == 0

    for path in (tmp_path / "first").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(tmp_path / "first")).read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), ("{", "cannot be read"), ("{}", "lacks 'data'; train the model again")],
)
def test_incomplete_package_is_rejected_in_one_line(
    content: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "model.json").write_text(content, encoding="utf-8")

    assert main([str(tmp_path)]) == 1

    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", load_tasks())
def test_model_json_stays_small_and_readable(name: str, tmp_path: Path) -> None:
    task = load_task(name)
    facts = model_facts(task, make_assessment(task, count=600))

    write_json(tmp_path / "model.json", facts)

    text = (tmp_path / "model.json").read_text(encoding="utf-8")
    assert len(text) < 60_000
    assert json.loads(text) == facts
    assert re.search(r'"confusion_matrix": \[\n +\[\d+(, \d+)+\],\n', text)


def test_model_json_with_nan_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "model.json", {"value": float("nan")})


def test_card_names_architecture_and_licence_of_starting_weights(model: dict[str, Any]) -> None:
    assert "Architecture" not in render_card(model)  # as in packages of earlier releases

    model["training"] |= {
        "architecture": "efficientnet-lite0",
        "start_from": "efficientnet-lite0 (sha256 0123456789ab)",
        "starting_weights": {"licence": "Apache-2.0", "citation": "Tan M, Le Q: EfficientNet (2019)"},
    }

    card = render_card(model)
    assert "\n- Architecture: efficientnet-lite0\n" in card
    assert "Starting weights: efficientnet-lite0 (sha256 0123456789ab), licence Apache-2.0." in card
    assert "Citation: Tan M, Le Q: EfficientNet (2019)\n" in card


def test_card_names_the_data_sets_of_a_pretraining(model: dict[str, Any]) -> None:
    model["training"] |= {
        "start_from": "backbone.pt (sha256 0123456789ab)",
        "starting_weights": {"trained_on": "OCTDL (Kulyabin M; licence CC BY 4.0)"},
    }

    assert (
        "\n- Starting weights: backbone.pt (sha256 0123456789ab). "
        "Pretrained on: OCTDL (Kulyabin M; licence CC BY 4.0)\n"
    ) in render_card(model)
