"""Listing labelled images: manifests, class folders, patients and error messages."""

import shutil
from pathlib import Path

import pytest

from chalicelib.tasks import Task, load_task
from tests.training.samples import write_manifest
from tests.training.trees import classes, groups, list_data, write_tree
from training.data.dataset import attributes, check_classes, subgroups
from training.data.manifest_row import Vocabulary
from training.data.sources import load_source
from training.errors import TrainingError

CLASSES = ("healthy", "ill")


def write_lines(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_images_without_patients_are_groups_of_their_own(data_folder: Path, task: Task) -> None:
    listing = list_data(data_folder, task.class_names)

    assert listing.ungrouped == len(listing.records) == 120
    assert all(record.group == record.path for record in listing.records)
    assert {record.label for record in listing.records} == set(range(len(task.classes)))
    assert listing.how.startswith("one folder per class")


def test_class_folders_can_be_in_part_folders_and_spelt_differently(tmp_path: Path) -> None:
    write_tree(tmp_path, ["train/Healthy/a.png", "val/ILL/b.png", "Test/healthy/deep/c.dcm", "other/d.png"])

    listing = list_data(tmp_path, CLASSES)

    assert classes(listing, CLASSES) == {
        "Test/healthy/deep/c.dcm": "healthy",
        "train/Healthy/a.png": "healthy",
        "val/ILL/b.png": "ill",
    }
    assert [record.given for record in listing.records] == ["test", "train", "validation"]
    assert listing.left_out == {"unplaced": ("other/d.png",)}


def test_file_names_can_have_any_characters(tmp_path: Path) -> None:
    odd = [
        "a b.png",
        "a+b (1).PNG",
        "ärztin—№1.jpg",
        "50%.jpeg",
        "1.2.840.113619.2",
        "no suffix",
        "q'\"u.tif",
    ]
    write_tree(tmp_path, [f"healthy/{name}" for name in odd])
    write_tree(tmp_path, ["healthy/.hidden.png", "__MACOSX/healthy/a b.png", "healthy/notes.txt"])

    listing = list_data(tmp_path, CLASSES)

    assert {record.path for record in listing.records} == {f"healthy/{name}" for name in odd}
    assert listing.left_out == {"not_images": ("healthy/notes.txt",)}


def test_manifest_groups_images_by_patient(data_folder: Path, task: Task) -> None:
    write_manifest(data_folder)

    listing = list_data(data_folder, task.class_names)

    assert listing.ungrouped == 0
    assert len({record.group for record in listing.records}) == 12 * len(task.classes)


def test_manifest_columns_without_a_meaning_are_attributes(tmp_path: Path) -> None:
    write_tree(tmp_path, ["1.png", "2.png", "3.png"])
    write_lines(
        tmp_path / "manifest.csv",
        "path,class,group,split,sex,scanner",
        "1.png,healthy,p1,TEST,F,north",
        '"2.png",ill,p2,,M,',
        "3.png,ill,,val,,",
    )

    records = list_data(tmp_path, CLASSES).records

    assert [record.given for record in records] == ["test", "", "validation"]
    assert records[2].group == "3.png"
    assert subgroups(records, attributes(records)) == {"scanner": ["north", "", ""], "sex": ["F", "M", ""]}


def test_spelling_of_columns_and_groups_separates_no_patient(tmp_path: Path) -> None:
    write_tree(tmp_path, ["1.png", "2.png", "3.png", "4.png"])
    write_lines(
        tmp_path / "manifest.csv",
        "Path,CLASS, Group ,Split, sex",
        "1.png,healthy,p1,test,F",
        "2.png,ill,p1 ,test,F ",
        "3.png,ill, ,, ",
        "4.png,ill, ,,",
    )

    listing = list_data(tmp_path, CLASSES)

    assert groups(listing) == {"1.png": "p1", "2.png": "p1", "3.png": "3.png", "4.png": "4.png"}
    assert listing.ungrouped == 2
    assert [record.given for record in listing.records] == ["test", "test", "", ""]
    assert subgroups(listing.records, attributes(listing.records)) == {"sex": ["F", "F", "", ""]}


def test_groups_combine_file_names_and_manifest(tmp_path: Path) -> None:
    """The file names give two patients, A_0001 and A_0002; the manifest says that they are one."""
    names = ["A_0001_1.x.png", "A_0002_1.x.png", "B_0001_1.x.png"]
    write_tree(tmp_path, names)
    write_lines(
        tmp_path / "manifest.csv",
        "path,class,group",
        *(f"{name},left-cc,{patient}" for name, patient in zip(names, ("one", "one", "two"), strict=True)),
    )

    found = groups(list_data(tmp_path, ("left-cc", "right-cc"), "mammography-views"))

    assert found == {names[0]: "A_0001", names[1]: "A_0001", names[2]: "B_0001"}


def test_attribute_can_come_from_the_file_name(tmp_path: Path) -> None:
    write_tree(tmp_path, ["left-cc/A_0001_1.LEFT_CC.jpg", "left-cc/picture.jpg"])

    records = list_data(tmp_path, ("left-cc", "right-cc"), "mammography-views").records

    assert list(subgroups(records, attributes(records)).values()) == [["A", ""]]


def test_missing_folder_is_reported_with_the_expected_content(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no data folder '.*nowhere'.*manifest\.csv"):
        list_data(tmp_path / "nowhere", CLASSES)


def test_class_without_images_is_reported(data_folder: Path, task: Task) -> None:
    shutil.rmtree(data_folder / task.class_names[2])

    with pytest.raises(TrainingError, match=f"no image of class '{task.class_names[2]}'"):
        check_classes(list_data(data_folder, task.class_names), task.class_names)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["path,class", "x.png,unheard-of"], r"'x\.png' the class 'unheard-of'.*healthy, ill"),
        (["path,label", "x.png,y"], "has no column 'class'"),
        ([""], "has no column"),
        (["path,class,group", 'x.png,ill,"p1', "y.png,ill,p2"], "is not valid CSV: .*quotation mark"),
        (["path,class,group", 'x.png,ill,"p"1'], "is not valid CSV"),
        (["path,class,group,Group", "x.png,ill,p1,p2"], "has the column 'group' twice"),
        (["path,class", "x.png,"], r"manifest\.csv, line 2: path or class is empty"),
        (["path,class", "x.png"], r"manifest\.csv, line 2: path or class is empty"),
        (["path,class,split", "x.png,ill,tset"], "line 2: the split 'tset' is not one of train"),
        (["path,class", "x.png,ill", "y.png,ill"], r"1 of 2 files .* do not exist.*y\.png"),
    ],
)
def test_invalid_manifest_is_rejected_with_the_reason(tmp_path: Path, lines: list[str], message: str) -> None:
    write_tree(tmp_path, ["x.png"])
    write_lines(tmp_path / "manifest.csv", *lines)

    with pytest.raises(TrainingError, match=message):
        list_data(tmp_path, CLASSES)


def test_manifest_that_is_not_text_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes(b"path,class\n\xff\xfe,ill\n")

    with pytest.raises(TrainingError, match="is not UTF-8 text"):
        list_data(tmp_path, CLASSES)


def test_manifest_can_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    write_tree(tmp_path, ["x.png"])
    (tmp_path / "manifest.csv").write_bytes(b"\xef\xbb\xbfpath,class\r\nx.png,ill\r\n")

    assert classes(list_data(tmp_path, CLASSES), CLASSES) == {"x.png": "ill"}


def test_classes_of_another_data_set_are_translated(tmp_path: Path) -> None:
    write_tree(tmp_path, [f"{name}/{name}.png" for name in ("CNV", "drusen", "dme", "normal")])
    seven = load_task("retinal-oct").class_names

    listing = list_data(tmp_path, seven, "retinal-oct-2017", task="retinal-oct")

    assert classes(listing, seven) == {
        "CNV/CNV.png": "age-related-macular-degeneration",
        "drusen/drusen.png": "age-related-macular-degeneration",
        "dme/dme.png": "diabetic-macular-edema",
        "normal/normal.png": "normal",
    }


def test_aliases_can_be_in_any_script() -> None:
    vocabulary = Vocabulary(CLASSES, {"健康": "healthy", "больной": "ill", "無関係": ""})

    assert [vocabulary.find(name) for name in ("健康", "Больной", "その他", "")] == [0, 1, None, None]
    assert [vocabulary.leaves_out(name) for name in ("無関係", "健康", "")] == [True, False, False]


def test_aliases_that_look_alike_are_rejected() -> None:
    with pytest.raises(TrainingError, match=r"aliases 'Film\+' and 'film-' belong to different classes"):
        Vocabulary(CLASSES, {"Film+": "ill", "FILM +": "ill", "film-": "healthy"})


def test_classes_without_a_counterpart_are_left_out(tmp_path: Path) -> None:
    names = load_task("retinal-oct").class_names
    write_tree(tmp_path, [f"{name}/a.png" for name in names])
    write_lines(tmp_path / "manifest.csv", "path,class", *(f"{name}/a.png,{name}" for name in names))
    four = load_task("retinal-oct-2017").class_names

    listing = list_data(tmp_path, four, "retinal-oct", task="retinal-oct-2017")

    assert classes(listing, four) == {"diabetic-macular-edema/a.png": "dme", "normal/a.png": "normal"}
    assert len(listing.left_out["other_class"]) == 5


def test_unknown_class_is_rejected_where_others_are_left_out(tmp_path: Path) -> None:
    write_tree(tmp_path, ["a.png"])
    write_lines(tmp_path / "manifest.csv", "path,class", "a.png,glaucoma")

    with pytest.raises(TrainingError, match="'glaucoma', which the task does not have"):
        list_data(tmp_path, load_task("retinal-oct-2017").class_names, "retinal-oct", task="retinal-oct-2017")


@pytest.mark.parametrize("name", ["retinal-oct", "retinal-oct-2017"])
def test_translations_name_classes_of_both_tasks(name: str) -> None:
    for other, table in load_source(name).other_tasks.items():
        assert set(table) <= set(load_task(name).class_names)
        assert set(table.values()) <= {*load_task(other).class_names, ""}
        assert set(load_task(name).class_names) <= {*table, *load_task(other).class_names}
