"""Provenance: the fingerprint shows which images a model was trained on."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from chalicelib.tasks import Task
from tests.training.samples import write_manifest
from training.data.dataset import Record
from training.data.files import write_files
from training.data.preparation import PreparedData, prepare_data, prepare_evaluation_data
from training.evaluation.provenance import describe_parts, find_parts, look_up_parts

SEED = 4


@pytest.fixture
def trained(data_folder: Path, task: Task, tmp_path: Path) -> PreparedData:
    write_manifest(data_folder)
    (tmp_path / "training").mkdir()
    return prepare_data(data_folder, "undescribed", task, SEED, tmp_path / "training")


def facts(data: PreparedData, seed: int = SEED) -> dict[str, Any]:
    return {"training": {"split_seed": seed}, "data": {"fingerprint": data.fingerprint}}


def test_training_data_are_recognised(
    trained: PreparedData, data_folder: Path, task: Task, tmp_path: Path
) -> None:
    data = prepare_evaluation_data(data_folder, "undescribed", task, tmp_path)

    parts = find_parts(facts(trained), data.records, data.digests, task.class_names)

    assert parts is not None
    for part, members in trained.parts.items():
        expected = {trained.records[index].path for index in members}
        assert {
            record.path for record, name in zip(data.records, parts, strict=True) if name == part
        } == expected


def test_file_names_of_the_training_need_not_be_unicode(
    trained: PreparedData, data_folder: Path, task: Task, tmp_path: Path
) -> None:
    data = prepare_evaluation_data(data_folder, "undescribed", task, tmp_path)
    records = tuple(replace(record, path=f"\udcff-{record.path}") for record in trained.records)
    write_files(replace(trained, records=records), tmp_path / "report")

    parts = look_up_parts(tmp_path / "report" / "manifest.csv", data.digests, data.contents)

    assert Counter(parts) == {part: len(members) for part, members in trained.parts.items()}


def test_image_saved_in_another_format_was_in_the_training(
    trained: PreparedData, data_folder: Path, task: Task, tmp_path: Path
) -> None:
    write_files(trained, tmp_path / "report")
    for path in data_folder.glob("*/*.png"):
        with Image.open(path) as image:
            image.save(path.with_suffix(".tiff"))
        path.unlink()
    (data_folder / "manifest.csv").unlink()
    data = prepare_evaluation_data(data_folder, "undescribed", task, tmp_path)

    parts = look_up_parts(tmp_path / "report" / "manifest.csv", data.digests, data.contents)

    was = {trained.records[index].path: part for part, rows in trained.parts.items() for index in rows}
    paths = [str(Path(record.path).with_suffix(".png")) for record in data.records]
    assert parts == [was[path] for path in paths]


def test_data_with_other_images_labels_or_splits_are_not_recognised(
    trained: PreparedData, task: Task
) -> None:
    names, digests = task.class_names, trained.digests
    records = trained.records
    moved = (Record(records[0].path, (records[0].label + 1) % len(names), records[0].group), *records[1:])

    assert find_parts(facts(trained), records, digests, names) is not None
    assert find_parts(facts(trained), records[1:], digests[1:], names) is None
    assert find_parts(facts(trained), moved, digests, names) is None
    assert find_parts(facts(trained, SEED + 1), records, digests, names) is None
    assert find_parts({}, records, digests, names) is None
    assert find_parts(facts(trained), records[:3], digests[:3], names) is None


def test_description_states_the_parts_and_the_consequence() -> None:
    assert "unknown" in describe_parts(None)
    assert describe_parts(["test", "none"]).startswith(
        "no, by their content (0 in train, 0 in validation, 1 in"
    )
    assert describe_parts(["validation", "none"]).startswith("**yes** (0 in train, 1 in validation")
