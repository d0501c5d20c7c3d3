"""Classes of labelled images by the paths of their files."""

import pytest

from chalicelib.labelled_data.class_paths import class_finder, plain
from chalicelib.tasks import load_task

CHEST = load_task("chest-xray").class_names


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("normal/a.png", "normal"),
        ("train/Bacterial Pneumonia/a.JPG", "bacterial-pneumonia"),
        ("viral-pneumonia/patient 1/b.dcm", "viral-pneumonia"),
        ("other/normal/a.png", ""),
        ("a.png", ""),
        ("normal/a.dicom", "normal"),
        ("normal/PAT.CT.1.IMA", "normal"),
        ("normal/a.dic", "normal"),
        ("normal/a.jfif", "normal"),
        ("normal/a.jpe", "normal"),
        ("normal/notes.txt", None),
    ],
)
def test_class_is_that_of_the_folder(path: str, found: str | None) -> None:
    assert class_finder([path, "normal/b.png"], CHEST)(path) == found


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (("Left CC", "left_cc", " left-CC", "LEFT–CC"), 1),
        (("bösartig", "BÖSARTIG", "bo\u0308sartig"), 1),
        (("正常", "肺炎", "норма", ""), 4),
        (("कि", "की"), 2),
        (("+", "-", ""), 3),
    ],
)
def test_letters_of_all_scripts_tell_classes_apart(names: tuple[str, ...], count: int) -> None:
    assert len(set(map(plain, names))) == count


def test_class_of_a_public_data_set_is_found_by_its_file_names() -> None:
    paths = [f"PNEUMONIA/person{number}_bacteria_1.jpeg" for number in range(9)] + ["NORMAL/IM-1.jpeg"]

    find = class_finder(paths, CHEST)

    assert [find(path) for path in paths[-2:]] == ["bacterial-pneumonia", "normal"]


def test_masks_are_no_images_to_train_on() -> None:
    names = load_task("breast-ultrasound").class_names
    image, mask = "benign/benign (1).png", "benign/benign (1)_mask.png"

    find = class_finder([image, mask], names)

    assert (find(image), find(mask)) == ("benign", None)


@pytest.mark.parametrize("added", [1, 9])
def test_images_that_are_added_to_a_public_data_set_are_in_folders_of_classes(added: int) -> None:
    names = load_task("breast-ultrasound").class_names
    own = [f"malignant/clinic-{number}.png" for number in range(added)]
    images = [f"benign/benign ({number}).png" for number in range(20)]
    masks = [f"benign/benign ({number})_mask.png" for number in range(20)]

    find = class_finder([*own, *images, *masks], names)

    assert [find(path) for path in own] == ["malignant"] * added
    assert {find(path) for path in images} == {"benign"}
    assert {find(path) for path in masks} == {None}


def test_image_that_is_named_like_a_mask_is_an_image() -> None:
    assert class_finder(["normal/face_mask.png", "normal/b.png"], CHEST)("normal/face_mask.png") == "normal"
