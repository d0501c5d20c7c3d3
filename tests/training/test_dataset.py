"""Reading labelled folders: what is found, what is left out, and what is said about bad ones."""

import shutil
from pathlib import Path

import pytest

from chalicelib.tasks import Task
from tests.training.samples import write_manifest
from training.dataset import Record, deduplicate, read_folder
from training.errors import TrainingError


def test_class_folders_without_patients_make_every_image_its_own_group(data_folder: Path, task: Task) -> None:
    listing = read_folder(data_folder, task.class_names)

    assert listing.ungrouped == len(listing.records) == 120
    assert all(record.group == record.path for record in listing.records)
    assert {record.label for record in listing.records} == set(range(len(task.classes)))


def test_a_manifest_tells_the_patient(data_folder: Path, task: Task) -> None:
    write_manifest(data_folder)

    listing = read_folder(data_folder, task.class_names)

    assert listing.ungrouped == 0
    assert len({record.group for record in listing.records}) == 12 * len(task.classes)


def test_a_pattern_finds_the_patient_in_the_file_name_whatever_the_manifest_says(
    data_folder: Path, task: Task
) -> None:
    write_manifest(data_folder)

    listing = read_folder(data_folder, task.class_names, [r"^(p\d+)-"])

    assert {record.group for record in listing.records} == {f"p{patient:02}" for patient in range(12)}


def test_byte_identical_copies_are_used_once_and_join_their_patients(data_folder: Path, task: Task) -> None:
    write_manifest(data_folder)
    name = task.class_names[0]
    # The first image of patient 0 also stands among those of patient 1.
    shutil.copy(data_folder / name / "p00-0.png", data_folder / name / "p01-0.png")

    unique = deduplicate(data_folder, read_folder(data_folder, task.class_names).records)

    assert unique.copies == (f"{name}/p01-0.png",)
    groups = {record.path: record.group for record in unique.records}
    assert groups[f"{name}/p00-1.png"] == groups[f"{name}/p01-1.png"] == groups[f"{name}/p00-0.png"]
    assert groups[f"{name}/p02-0.png"] != groups[f"{name}/p00-0.png"]


def test_identical_files_with_different_labels_are_all_left_out(data_folder: Path, task: Task) -> None:
    first, second = task.class_names[:2]
    shutil.copy(data_folder / first / "p00-0.png", data_folder / second / "p00-0.png")

    unique = deduplicate(data_folder, read_folder(data_folder, task.class_names).records)

    assert set(unique.contradictions) == {f"{first}/p00-0.png", f"{second}/p00-0.png"}
    assert not {record.path for record in unique.records} & set(unique.contradictions)
    assert len(unique.records) == len(unique.digests) == 118


def test_groups_chained_by_several_copies_become_one(tmp_path: Path) -> None:
    for name, content in {"a1": "x", "b1": "x", "b2": "y", "c1": "y", "d1": "z"}.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    records = [Record(name, 0, name[0]) for name in ("a1", "b1", "b2", "c1", "d1")]

    unique = deduplicate(tmp_path, records)

    groups = {record.path: record.group for record in unique.records}
    assert groups["a1"] == groups["b2"] != groups["d1"]


def test_an_absent_folder_is_named_with_what_it_should_hold(tmp_path: Path, task: Task) -> None:
    with pytest.raises(TrainingError, match=r"no data folder '.*nowhere'.*manifest\.csv"):
        read_folder(tmp_path / "nowhere", task.class_names)


def test_a_class_without_images_is_named(data_folder: Path, task: Task) -> None:
    shutil.rmtree(data_folder / task.class_names[2])

    with pytest.raises(TrainingError, match=f"no image of class '{task.class_names[2]}'"):
        read_folder(data_folder, task.class_names)


def test_a_manifest_naming_a_foreign_class_is_refused(data_folder: Path, task: Task) -> None:
    (data_folder / "manifest.csv").write_text("path,class\nx.png,unheard-of\n", encoding="utf-8")

    with pytest.raises(TrainingError, match="class 'unheard-of'"):
        read_folder(data_folder, task.class_names)


def test_a_manifest_without_the_class_column_is_refused(data_folder: Path, task: Task) -> None:
    (data_folder / "manifest.csv").write_text("path,label\nx.png,y\n", encoding="utf-8")

    with pytest.raises(TrainingError, match="lacks the column 'class'"):
        read_folder(data_folder, task.class_names)


def test_a_manifest_listing_absent_files_is_refused(data_folder: Path, task: Task) -> None:
    write_manifest(data_folder)
    (data_folder / task.class_names[0] / "p00-0.png").unlink()

    with pytest.raises(TrainingError, match=r"1 of 120 files .* do not exist.*p00-0\.png"):
        read_folder(data_folder, task.class_names)
