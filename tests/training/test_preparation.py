"""From a folder to arrays: the pixels are those of serving, and what is left out is counted."""

from pathlib import Path

import numpy as np
import pytest

from chalicelib.imaging import prepare
from chalicelib.tasks import Task
from tests.training.samples import write_manifest
from training.errors import TrainingError
from training.preparation import prepare_data, summary


def test_training_sees_the_arrays_that_serving_prepares(
    data_folder: Path, task: Task, tmp_path: Path
) -> None:
    data = prepare_data(data_folder, "of-nobody", task, 0, tmp_path)

    for record, pixels in zip(data.records, data.pixels, strict=True):
        served = prepare((data_folder / record.path).read_bytes(), task.input).pixels
        assert np.array_equal(pixels, served)


def test_parts_hold_the_images_and_labels_of_their_records(
    data_folder: Path, task: Task, tmp_path: Path
) -> None:
    write_manifest(data_folder)
    data = prepare_data(data_folder, "of-nobody", task, 0, tmp_path)

    for part, members in data.parts.items():
        images = data.labelled(part)
        assert np.array_equal(images.pixels, data.pixels[members])
        assert images.labels.tolist() == [data.records[index].label for index in members]
        assert data.groups(part) == [data.records[index].group for index in members]


def test_a_damaged_image_is_left_out_and_counted(data_folder: Path, task: Task, tmp_path: Path) -> None:
    damaged = f"{task.class_names[0]}/p00-0.png"
    (data_folder / damaged).write_bytes(b"not an image")

    data = prepare_data(data_folder, "of-nobody", task, 0, tmp_path)

    assert data.left_out["unreadable"] == (damaged,)
    assert damaged not in {record.path for record in data.records}
    assert "1 left out because they cannot be read, 119 images used" in summary(data, task.class_names)


def test_a_folder_of_other_files_is_refused(data_folder: Path, task: Task, tmp_path: Path) -> None:
    for number, path in enumerate(data_folder.glob("*/*.png")):
        path.write_bytes(b"text %d" % number)

    with pytest.raises(TrainingError, match="120 of 120 files cannot be read"):
        prepare_data(data_folder, "of-nobody", task, 0, tmp_path)


def test_a_data_set_nobody_described_says_so(data_folder: Path, task: Task, tmp_path: Path) -> None:
    source = prepare_data(data_folder, "of-nobody", task, 0, tmp_path).source

    assert source.licence == source.citation == "not stated"
    assert "not described in training/datasets.toml" in source.notes[0]
