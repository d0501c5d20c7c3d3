"""Layouts of public data sets: recognised by file names and read correctly."""

from pathlib import Path

import pytest

from chalicelib.labelled_data.layouts import load_layouts
from chalicelib.tasks import load_task, load_tasks
from tests.training.trees import classes, groups, list_data, write_tree
from training.data.dataset import subgroups
from training.data.sources import DATASETS, load_source
from training.errors import TrainingError

WORKSHOP = {
    "train/CCD/A_0003_1.RIGHT_CC.LJPEG.1_highpass.jpg": ("right-cc", "A_0003", "train"),
    "train/CCE/A_0003_1.LEFT_CC.LJPEG.1_highpass.jpg": ("left-cc", "A_0003", "train"),
    "test/MLOD/D_4501_1.RIGHT_MLO.LJPEG.1_highpass.jpg": ("right-mlo", "D_4501", "test"),
    "validate/MLOE/resize_LEFT_MLO_A_0431_1.jpg": ("left-mlo", "A_0431", "validation"),
    "validate/NAO/100013774026.png": ("not-a-mammogram", "00013774", "validation"),
    "train/NAO/00013774_027 (1).png": ("not-a-mammogram", "00013774", "train"),
    "test/NAO/F1.large (10).jpg": ("not-a-mammogram", "test/NAO/F1.large (10).jpg", "test"),
}
CHEST = {
    "chest_xray/train/NORMAL/IM-0115-0001.jpeg": ("normal", "IM-0115", "train"),
    "chest_xray/train/NORMAL/IM-0115-0002-0001.jpeg": ("normal", "IM-0115", "train"),
    "chest_xray/test/NORMAL/NORMAL2-IM-0115-0001.jpeg": ("normal", "NORMAL2-IM-0115", "test"),
    "chest_xray/train/PNEUMONIA/person1_bacteria_2.jpeg": (
        "bacterial-pneumonia",
        "person1_bacteria",
        "train",
    ),
    "chest_xray/val/PNEUMONIA/person1_virus_6.jpeg": ("viral-pneumonia", "person1_virus", "validation"),
    "chest_xray/train/PNEUMONIA/person447_virus_921_1.jpeg": ("viral-pneumonia", "person447_virus", "train"),
}
CHEST_THIRD_VERSION = {
    "chest_xray/train/NORMAL/NORMAL-745902-0001.jpeg": ("normal", "NORMAL-745902", "train"),
    "chest_xray/test/PNEUMONIA/BACTERIA-1351146-0002.jpeg": (
        "bacterial-pneumonia",
        "BACTERIA-1351146",
        "test",
    ),
    "chest_xray/test/PNEUMONIA/VIRUS-614452-0001.jpeg": ("viral-pneumonia", "VIRUS-614452", "test"),
}
BUSI = {
    path: (path.split("/")[1], path, "")
    for path in (
        "Dataset_BUSI_with_GT/benign/benign (1).png",
        "Dataset_BUSI_with_GT/malignant/malignant (145).png",
        "Dataset_BUSI_with_GT/normal/normal (3).png",
    )
}
OCT2017 = {
    "OCT2017 /train/CNV/CNV-1016042-1.jpeg": ("cnv", "1016042", "train"),
    "OCT2017 /train/DME/DME-1016042-2.jpeg": ("dme", "1016042", "train"),
    "OCT2017 /val/DRUSEN/DRUSEN-95633-1.jpeg": ("drusen", "95633", "validation"),
    "OCT2017 /test/NORMAL/NORMAL-12494-7.jpeg": ("normal", "12494", "test"),
}
OCTDL = {
    "OCTDL/AMD/amd_1047099_1.jpg": ("age-related-macular-degeneration", "amd_1047099", ""),
    "OCTDL/DME/dme_1057060_1.jpg": ("diabetic-macular-edema", "dme_1057060", ""),
    "OCTDL/ERM/erm_1751913_1.jpg": ("epiretinal-membrane", "erm_1751913", ""),
    "OCTDL/NO/no_4641074_3.jpg": ("normal", "no_4641074", ""),
    "OCTDL/RAO/rao_1013386_7.jpg": ("retinal-artery-occlusion", "rao_1013386", ""),
    "OCTDL/RVO/rvo_4536908_1.jpg": ("retinal-vein-occlusion", "rvo_4536908", ""),
    "OCTDL/VID/vid_8794624_1.jpg": ("vitreomacular-interface-disease", "vid_8794624", ""),
}
IDC = {
    "IDC_regular_ps50_idx5/8863/0/8863_idx5_x1001_y1001_class0.png": ("non-idc", "8863", ""),
    "IDC_regular_ps50_idx5/8863/1/8863_idx5_x51_y1251_class1.png": ("idc", "8863", ""),
    "9175/1/9175_idx5_x51_y1251_class1.png": ("idc", "9175", ""),
}


@pytest.mark.parametrize(
    ("task_name", "layout", "expected"),
    [
        ("mammography-views", "aws-mammography-workshop", WORKSHOP),
        ("chest-xray", "kermany-chest-xray", CHEST),
        ("chest-xray", "kermany-chest-xray", CHEST_THIRD_VERSION),
        ("breast-ultrasound", "busi", BUSI),
        ("retinal-oct-2017", "oct2017", OCT2017),
        ("retinal-oct", "octdl", OCTDL),
        ("breast-histology", "idc-regular", IDC),
    ],
)
def test_public_layouts_are_recognised_and_read(
    tmp_path: Path, task_name: str, layout: str, expected: dict[str, tuple[str, str, str]]
) -> None:
    class_names = load_task(task_name).class_names
    write_tree(tmp_path, expected)

    listing = list_data(tmp_path, class_names, task_name)

    assert f"layout {layout}" in listing.how
    given = {record.path: record.given for record in listing.records}
    found = classes(listing, class_names), groups(listing), given
    assert found == tuple({path: row[n] for path, row in expected.items()} for n in range(3))


def test_masks_beside_the_images_are_skipped(tmp_path: Path) -> None:
    masks = ["benign/benign (1)_mask.png", "benign/benign (1)_mask_1.png", "normal/normal (3)_mask.png"]
    write_tree(
        tmp_path, [*masks, "benign/benign (1).png", "malignant/malignant (2).png", "normal/normal (3).png"]
    )

    listing = list_data(tmp_path, load_task("breast-ultrasound").class_names)

    assert len(listing.records) == 3
    assert listing.left_out == {"skipped": tuple(sorted(masks))}


@pytest.mark.parametrize(("added", "how"), [(1, "layout busi"), (9, "one folder per class")])
def test_images_that_are_added_to_a_public_data_set_are_in_folders_of_classes(
    tmp_path: Path, added: int, how: str
) -> None:
    own = [f"malignant/clinic-{number}.jpg" for number in range(added)]
    images = [f"{name}/{name} ({number}).png" for name in ("benign", "normal") for number in range(10)]
    masks = [path.replace(".png", "_mask.png") for path in images]
    others = ["masks/malignant/clinic-0_mask.png", "malignant/masks/clinic-0_mask_1.png"]
    write_tree(tmp_path, [*own, *images, *masks, *others])

    listing = list_data(tmp_path, load_task("breast-ultrasound").class_names)

    assert listing.how.startswith(how)
    assert {record.path for record in listing.records} == {*own, *images}
    assert listing.left_out == {"skipped": tuple(sorted([*masks, *others]))}


def test_octdl_table_provides_patient_sex_and_eye(tmp_path: Path) -> None:
    write_tree(tmp_path, [*OCTDL, "OCTDL/AMD/amd_7_1.jpg"])
    (tmp_path / "OCTDL_labels.csv").write_text(
        "file_name,disease,subcategory,condition,patient_id,eye,sex,year,image_width,image_hight\n"
        "amd_1047099_1,AMD,late,MNV,1047099,OD,F,1941,882,322\n"
        "no_4641074_3,NO,,,1047099,0,0,0,882,322\n"
        "amd_7_1,DME,,,7,OS,M,1950,882,322\n",
        encoding="utf-8",
    )

    listing = list_data(tmp_path, load_task("retinal-oct").class_names, "retinal-oct")

    records = {record.path: record for record in listing.records}
    first, other = records["OCTDL/AMD/amd_1047099_1.jpg"], records["OCTDL/NO/no_4641074_3.jpg"]
    assert first.attributes == (("sex", "F"), ("eye", "OD"))
    assert other.attributes == ()
    assert first.group == other.group != records["OCTDL/VID/vid_8794624_1.jpg"].group
    assert listing.left_out["disputed"] == ("OCTDL/AMD/amd_7_1.jpg",)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "OCTDL_labels.csv has no column 'file_name'"),
        ("file_name;disease;patient_id\n", "OCTDL_labels.csv has no column 'file_name'"),
        ("file_name,disease,patient_id\n", "OCTDL_labels.csv has no column 'sex'"),
        ('file_name,disease,patient_id,sex,eye\n"no_1,NO,1,F,OS\n', "is not valid CSV: .*quotation mark"),
    ],
)
def test_octdl_table_that_cannot_be_used_is_rejected(tmp_path: Path, table: str, message: str) -> None:
    write_tree(tmp_path, OCTDL)
    (tmp_path / "OCTDL_labels.csv").write_text(table, encoding="utf-8")

    with pytest.raises(TrainingError, match=message):
        list_data(tmp_path, load_task("retinal-oct").class_names, "retinal-oct")


def test_line_of_the_octdl_table_may_be_short(tmp_path: Path) -> None:
    write_tree(tmp_path, OCTDL)
    (tmp_path / "OCTDL_labels.csv").write_text(
        "file_name,disease,patient_id,sex,eye\nno_4641074_3,NO\n", encoding="utf-8"
    )

    records = list_data(tmp_path, load_task("retinal-oct").class_names, "retinal-oct").records

    assert set(subgroups(records, ["sex"])["sex"]) == {""}


def test_files_without_a_class_are_counted(tmp_path: Path) -> None:
    write_tree(tmp_path, [f"train/CCD/A_{number:04}_1.jpg" for number in range(30)])
    write_tree(tmp_path, ["poster.png", "readme.md"])

    listing = list_data(tmp_path, load_task("mammography-views").class_names)

    assert listing.left_out == {"not_images": ("readme.md",), "unplaced": ("poster.png",)}
    assert "the path gives the class of 97% of 31 images" in listing.how


def test_named_layout_overrides_the_manifest(tmp_path: Path) -> None:
    write_tree(tmp_path, ["CCD/a.jpg", "x/b.jpg", "x/c.jpg"])
    (tmp_path / "manifest.csv").write_text("path,class\nx/b.jpg,left-cc\n", encoding="utf-8")
    class_names = load_task("mammography-views").class_names

    listing = list_data(tmp_path, class_names, layout="aws-mammography-workshop")

    assert classes(listing, class_names) == {"CCD/a.jpg": "right-cc"}
    assert classes(list_data(tmp_path, class_names), class_names) == {"x/b.jpg": "left-cc"}


def test_unknown_layout_is_rejected_with_the_ones_that_fit_the_task(tmp_path: Path) -> None:
    write_tree(tmp_path, ["AMD/a.jpg"])

    with pytest.raises(TrainingError, match=r"no layout 'octld'.*Known: octdl, class-folders\.$"):
        list_data(tmp_path, load_task("retinal-oct").class_names, layout="octld")


def test_folder_without_a_known_layout_is_described(tmp_path: Path) -> None:
    write_tree(tmp_path, ["sick/a.png", "sick/b.png", "c.png", "notes.txt"])

    with pytest.raises(TrainingError) as caught:
        list_data(tmp_path, load_task("chest-xray").class_names)

    said = str(caught.value)
    assert "3 images in 2 folders, most of them in sick (2), (top) (1), 1 other files" in said
    assert "kermany-chest-xray" in said
    assert "normal, bacterial-pneumonia" in said


def test_empty_folder_is_described(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="fits no known layout: 0 images in 0 folders, 0 other files"):
        list_data(tmp_path, load_task("chest-xray").class_names)


def test_layouts_and_data_sets_match_the_classes_of_tasks() -> None:
    tasks = load_tasks().values()
    for layout in load_layouts().values():
        named = {class_name for _, class_name in layout.classes}
        assert any(named == set(task.class_names) for task in tasks), layout.name
    for task in tasks:
        source = load_source(task.name)
        assert source.licence != "not stated" or task.name in DATASETS.read_text(encoding="utf-8")
        assert set(source.aliases.values()) <= set(task.class_names)
