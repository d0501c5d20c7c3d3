"""Listing labelled images: manifests, class folders, patients, and what is said about bad ones."""

import shutil
from pathlib import Path

import pytest

from chalicelib.tasks import Task
from tests.training.samples import write_manifest
from tests.training.trees import classes, groups, listed, plant
from training.data.dataset import attributes, check_classes, subgroups
from training.errors import TrainingError

CLASSES = ("healthy", "ill")


def write_lines(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_class_folders_without_patients_make_every_image_its_own_group(data_folder: Path, task: Task) -> None:
    listing = listed(data_folder, task.class_names)

    assert listing.ungrouped == len(listing.records) == 120
    assert all(record.group == record.path for record in listing.records)
    assert {record.label for record in listing.records} == set(range(len(task.classes)))
    assert listing.how.startswith("one folder per class")


def test_class_folders_may_stand_in_parts_and_be_spelt_freely(tmp_path: Path) -> None:
    plant(tmp_path, ["train/Healthy/a.png", "val/ILL/b.png", "Test/healthy/deep/c.dcm", "other/d.png"])

    listing = listed(tmp_path, CLASSES)

    assert classes(listing, CLASSES) == {
        "Test/healthy/deep/c.dcm": "healthy",
        "train/Healthy/a.png": "healthy",
        "val/ILL/b.png": "ill",
    }
    assert [record.given for record in listing.records] == ["test", "train", "validation"]
    assert listing.left_out == {"unplaced": ("other/d.png",)}


def test_names_may_hold_anything_that_a_file_system_takes(tmp_path: Path) -> None:
    odd = [
        "a b.png",
        "a+b (1).PNG",
        "ärztin—№1.jpg",
        "50%.jpeg",
        "1.2.840.113619.2",
        "no suffix",
        "q'\"u.tif",
    ]
    plant(tmp_path, [f"healthy/{name}" for name in odd])
    plant(tmp_path, ["healthy/.hidden.png", "__MACOSX/healthy/a b.png", "healthy/notes.txt"])

    listing = listed(tmp_path, CLASSES)

    assert {record.path for record in listing.records} == {f"healthy/{name}" for name in odd}
    assert listing.left_out == {"foreign": ("healthy/notes.txt",)}


def test_a_manifest_tells_the_patient(data_folder: Path, task: Task) -> None:
    write_manifest(data_folder)

    listing = listed(data_folder, task.class_names)

    assert listing.ungrouped == 0
    assert len({record.group for record in listing.records}) == 12 * len(task.classes)


def test_other_columns_of_a_manifest_are_attributes(tmp_path: Path) -> None:
    plant(tmp_path, ["1.png", "2.png", "3.png"])
    write_lines(
        tmp_path / "manifest.csv",
        "path,class,group,split,sex,scanner",
        "1.png,healthy,p1,TEST,F,north",
        '"2.png",ill,p2,,M,',
        "3.png,ill,,val,,",
    )

    records = listed(tmp_path, CLASSES).records

    assert [record.given for record in records] == ["test", "", "validation"]
    assert records[2].group == "3.png"
    assert subgroups(records, attributes(records)) == {"scanner": ["north", "", ""], "sex": ["F", "M", ""]}


def test_the_name_of_a_file_joins_what_the_manifest_parts(tmp_path: Path) -> None:
    """The data set's pattern finds A_0001 and A_0002; the manifest knows that both are one patient."""
    names = ["A_0001_1.x.png", "A_0002_1.x.png", "B_0001_1.x.png"]
    plant(tmp_path, names)
    write_lines(
        tmp_path / "manifest.csv",
        "path,class,group",
        *(f"{name},left-cc,{patient}" for name, patient in zip(names, ("one", "one", "two"), strict=True)),
    )

    found = groups(listed(tmp_path, ("left-cc", "right-cc"), "mammography-views"))

    assert found == {names[0]: "A_0001", names[1]: "A_0001", names[2]: "B_0001"}


def test_an_attribute_can_stand_in_the_name(tmp_path: Path) -> None:
    plant(tmp_path, ["left-cc/A_0001_1.LEFT_CC.jpg", "left-cc/picture.jpg"])

    records = listed(tmp_path, ("left-cc", "right-cc"), "mammography-views").records

    assert list(subgroups(records, attributes(records)).values()) == [["A", ""]]


def test_an_absent_folder_is_named_with_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no data folder '.*nowhere'.*manifest\.csv"):
        listed(tmp_path / "nowhere", CLASSES)


def test_a_class_without_images_is_named(data_folder: Path, task: Task) -> None:
    shutil.rmtree(data_folder / task.class_names[2])

    with pytest.raises(TrainingError, match=f"no image of class '{task.class_names[2]}'"):
        check_classes(listed(data_folder, task.class_names), task.class_names)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["path,class", "x.png,unheard-of"], r"'x\.png' the class 'unheard-of'.*healthy, ill"),
        (["path,label", "x.png,y"], "has no column 'class'"),
        ([""], "has no column"),
        (["path,class", "x.png,"], r"manifest\.csv, line 2: path or class is empty"),
        (["path,class", "x.png"], r"manifest\.csv, line 2: path or class is empty"),
        (["path,class,split", "x.png,ill,tset"], "line 2: the split 'tset' is not one of train"),
        (["path,class", "x.png,ill", "y.png,ill"], r"1 of 2 files .* do not exist.*y\.png"),
    ],
)
def test_a_bad_manifest_is_refused_with_the_reason(tmp_path: Path, lines: list[str], message: str) -> None:
    plant(tmp_path, ["x.png"])
    write_lines(tmp_path / "manifest.csv", *lines)

    with pytest.raises(TrainingError, match=message):
        listed(tmp_path, CLASSES)


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes(b"path,class\n\xff\xfe,ill\n")

    with pytest.raises(TrainingError, match="is not UTF-8 text"):
        listed(tmp_path, CLASSES)


def test_a_manifest_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    plant(tmp_path, ["x.png"])
    (tmp_path / "manifest.csv").write_bytes(b"\xef\xbb\xbfpath,class\r\nx.png,ill\r\n")

    assert classes(listed(tmp_path, CLASSES), CLASSES) == {"x.png": "ill"}
