"""The preparation of real images, if available: the known patients and duplicates are found."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

from chalicelib.tasks import load_task
from tests.training.trees import groups, list_data
from training.data.preparation import prepare_data


def read_groups(folder: Path) -> dict[str, str]:
    """The group of each image in the manifest."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return {row["path"]: row["group"] for row in csv.DictReader(file)}


def pairs(group_of: Mapping[str, str]) -> set[tuple[str, str]]:
    """All pairs of images in the same group."""
    members: dict[str, list[str]] = defaultdict(list)
    for path, group in sorted(group_of.items()):
        members[group].append(path)
    return {pair for paths in members.values() for pair in combinations(paths, 2)}


def link(source: Path, target: Path, paths: Mapping[str, str]) -> Path:
    """Link the images of a data set under other paths."""
    for path, name in paths.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).symlink_to(source / path)
    return target


def test_near_duplicate_groups_contain_the_known_ultrasound_groups(data_set: Path, tmp_path: Path) -> None:
    source, task = data_set / "breast-ultrasound", load_task("breast-ultrasound")
    known = read_groups(source)
    folder = link(source, tmp_path / "Dataset_BUSI_with_GT", {path: path for path in known})

    data = prepare_data(folder, task.name, task, 0, tmp_path)

    found = {record.path: record.group for record in data.records}
    expected = pairs({path: group for path, group in known.items() if path in found})
    assert len(expected) > 100
    assert expected <= pairs(found)
    assert len(pairs(found)) < 1.2 * len(expected)
    assert ("benign/benign (433).png", "malignant/malignant (145).png") in {
        contradiction.paths for contradiction in data.contradictions
    }


def test_chest_file_names_give_the_known_patients(data_set: Path, tmp_path: Path) -> None:
    source, task = data_set / "chest-xray", load_task("chest-xray")
    known = read_groups(source)
    first = task.class_names[0]
    raw = {
        path: f"chest_xray/{part}/{'NORMAL' if name == first else 'PNEUMONIA'}/{file}"
        for path in known
        for part, name, file in [path.split("/")]
    }
    folder = link(source, tmp_path / "raw", raw)

    found = groups(list_data(folder, task.class_names, task.name))

    different = [path for path, group in known.items() if found[raw[path]] != group]
    # The manifest merges two patients with the same film; listing does not read files, so it cannot.
    assert len(different) <= 1
    assert len(known) > 5000
