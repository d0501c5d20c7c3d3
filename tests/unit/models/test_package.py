"""Model packages on disk."""

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.errors import InvalidModelPackage
from chalicelib.models.package import ModelPackage, bundled_package
from chalicelib.tasks import load_task
from tests.models import TASK, VERSION, write_package

TASK_ = load_task(TASK)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    write_package(tmp_path / TASK)
    return tmp_path


def test_package_has_the_facts_of_its_model(models: Path) -> None:
    package = ModelPackage.load(models / TASK)

    assert (package.version, package.classes, package.thresholds.distance) == (
        VERSION,
        TASK_.class_names,
        200,
    )
    assert package.task == TASK_
    assert package.graph_path.is_file()


def test_package_with_a_foreign_graph_is_refused(models: Path) -> None:
    with (models / TASK / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(InvalidModelPackage, match="sha256 differs"):
        ModelPackage.load(models / TASK)


def test_incomplete_package_names_what_is_missing(tmp_path: Path) -> None:
    folder = write_package(tmp_path / TASK)
    facts = json.loads((folder / "model.json").read_text())
    del facts["thresholds"], facts["version"]
    (folder / "model.json").write_text(json.dumps(facts))
    with pytest.raises(InvalidModelPackage, match="version, thresholds"):
        ModelPackage.load(folder)


@pytest.mark.parametrize("file", ["model.onnx", "model.json"])
def test_package_without_a_file_is_refused(models: Path, file: str) -> None:
    (models / TASK / file).unlink()
    with pytest.raises(InvalidModelPackage, match="cannot be read"):
        ModelPackage.load(models / TASK)


def test_package_of_a_task_without_a_file_is_refused(models: Path) -> None:
    facts = models / TASK / "model.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"task": "feet"}))
    with pytest.raises(InvalidModelPackage, match="'feet', which has no file"):
        _ = ModelPackage.load(models / TASK).task


def test_package_with_other_classes_fits_no_task(tmp_path: Path) -> None:
    package = ModelPackage.load(write_package(tmp_path / TASK, classes=["cat", "dog"]))
    with pytest.raises(InvalidModelPackage, match="other classes"):
        package.check_fits(TASK_)


@pytest.mark.parametrize(
    ("changed", "described"),
    [
        ({"width": 64}, "grey images of 64 x 224 pixels"),
        ({"channels": 3}, "colour images of 112 x 224"),
        ({"fit": "stretch"}, r"pixels \(fit: stretch\)"),
    ],
)
def test_package_for_other_images_does_not_fit(
    tmp_path: Path, changed: dict[str, Any], described: str
) -> None:
    spec = {"width": 112, "height": 224, "channels": 1, "fit": "pad"}
    folder = write_package(tmp_path / "same", input=spec)
    ModelPackage.load(folder).check_fits(TASK_)

    other = ModelPackage.load(write_package(tmp_path / "other", input=spec | changed))

    with pytest.raises(InvalidModelPackage, match=f"takes .*{described}.*, but the task file asks for"):
        other.check_fits(TASK_)


def test_bundled_package_is_found_by_the_name_of_its_task(models: Path) -> None:
    bundled = bundled_package(TASK, models)

    assert bundled == ModelPackage.load(models / TASK)
    assert bundled_package("chest-xray", models) is None
